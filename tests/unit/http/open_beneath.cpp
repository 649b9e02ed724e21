#include "http/open_beneath.hpp"

#include "folder.hpp"

#include <CppUTest/TestHarness.h>

using core::http::open_beneath;
using core::http::open_by_parts;

TEST_GROUP(OpenBeneath)
{
	void setup() override
	{
		outer.write("secret", "s");
		outer.folder("root");
		outer.folder("root/sub");
		outer.write("root/file", "f");
		outer.write("root/sub/file", "f");
		outer.link("file", "root/inside");
		outer.link("../file", "root/sub/up_inside");
		outer.link("../secret", "root/outside");
		outer.link(outer.path + "/root/file", "root/absolute");
		outer.link("..", "root/parent");
		outer.link("sub", "root/folder_link");
		outer.link("loop", "root/loop");
		outer.link("/proc/self/cwd", "root/magic");
		root = outer.path + "/root";
	}
	bool opens(const char *path) const { return static_cast<bool>(open_beneath(root, path)); }
	bool opens_by_parts(const char *path) const { return static_cast<bool>(open_by_parts(root, path)); }
	Folder outer;
	std::string root;
};

TEST(OpenBeneath, files_and_folders_inside_open)
{
	for (const char *path : {"", "file", "sub", "sub/", "sub/file", "inside", "sub/up_inside", "folder_link/file"}) CHECK_TEXT(opens(path), path);
}

TEST(OpenBeneath, nothing_outside_opens)
{
	for (const char *path :
		{"../secret", "sub/../../secret", "outside", "parent/secret", "/etc/passwd", "absolute", "magic", "magic/etc", "loop", "..", "none", "file/x"})
		CHECK_FALSE_TEXT(opens(path), path);
}

TEST(OpenBeneath, without_openat2_no_link_is_followed_at_all)
{
	for (const char *path : {"", "file", "sub", "sub/", "sub/file"}) CHECK_TEXT(opens_by_parts(path), path);
	for (const char *path : {"inside", "sub/up_inside", "folder_link/file", "../secret", "sub/../file", "outside", "parent/secret", "/etc/passwd", "absolute",
			 "magic", "loop", "..", ".", "sub//file", "none"})
		CHECK_FALSE_TEXT(opens_by_parts(path), path);
}

TEST(OpenBeneath, a_pipe_does_not_wait)
{
	mkfifo((root + "/pipe").c_str(), 0644);
	CHECK(opens("pipe")); // returns at all; its kind is the caller's to look at
}

TEST(OpenBeneath, a_folder_that_is_not_there_is_nothing)
{
	CHECK_FALSE(static_cast<bool>(open_beneath(outer.path + "/nowhere", "file")));
	CHECK_FALSE(static_cast<bool>(open_by_parts(outer.path + "/nowhere", "file")));
}
