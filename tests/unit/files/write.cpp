#include "files/write.hpp"

#include "temp_folder.hpp"

#include <CppUTest/TestHarness.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

using core::files::append_now;
using core::files::replace_now;

TEST_GROUP(write)
{
	test::TempFolder folder;
	unsigned mode(const std::string &file)
	{
		struct stat about {};
		return stat(file.c_str(), &about) == 0 ? about.st_mode & 07777U : 0;
	}
	std::size_t files()
	{
		return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder.path), std::filesystem::directory_iterator()));
	}
};

TEST(write, replaces_whole_with_its_mode_and_leaves_nothing_beside)
{
	const std::string file = folder / "f";
	CHECK(replace_now(file, "one", 0640).has_value());
	STRCMP_EQUAL("one", folder.read(file).c_str());
	CHECK_EQUAL(0640U, mode(file));
	CHECK(replace_now(file, "", 0, false).has_value());
	STRCMP_EQUAL("", folder.read(file).c_str());
	CHECK_EQUAL(0644U, mode(file));
	CHECK(replace_now(file, std::string(3'000'000, 'x'), 0666).has_value());
	CHECK_EQUAL(0666U, mode(file));
	CHECK_EQUAL(3'000'000U, folder.read(file).size());
	CHECK_EQUAL(1U, files());
}

TEST(write, a_reader_keeps_what_it_has_open)
{
	const std::string file = folder.write("f", "old");
	std::ifstream in(file);
	CHECK(replace_now(file, "new", 0).has_value());
	std::string text;
	in >> text;
	STRCMP_EQUAL("old", text.c_str());
}

TEST(write, symlinks_and_what_is_no_file_are_refused)
{
	const std::string target = folder.write("target", "safe");
	CHECK_EQUAL(0, symlink(target.c_str(), (folder / "link").c_str()));
	CHECK_EQUAL(0, mkfifo((folder / "fifo").c_str(), 0600));
	std::filesystem::create_directory(folder / "dir");
	for (const char *name : {"link", "fifo", "dir"}) {
		CHECK_TEXT(!replace_now(folder / name, "x", 0), name);
		CHECK_TEXT(!append_now(folder / name, "x", 0), name);
	}
	CHECK_EQUAL(403, replace_now(folder / "link", "x", 0).error().status);
	STRCMP_EQUAL((folder / "link: cannot be opened: it is a symbolic link").c_str(), append_now(folder / "link", "x", 0).error().text.c_str());
	STRCMP_EQUAL("safe", folder.read(target).c_str());
	CHECK_EQUAL(4U, files());
}

TEST(write, a_folder_that_is_not_there_is_an_error)
{
	CHECK_EQUAL(500, replace_now(folder / "none/f", "x", 0).error().status);
	CHECK_EQUAL(500, append_now(folder / "none/f", "x", 0).error().status);
}

TEST(write, appends_behind_what_is_there)
{
	const std::string file = folder / "f";
	CHECK(append_now(file, "a\n", 0600).has_value());
	CHECK_EQUAL(0600U, mode(file));
	CHECK(append_now(file, "b\n", 0666, false).has_value());
	CHECK_EQUAL(0600U, mode(file));
	STRCMP_EQUAL("a\nb\n", folder.read(file).c_str());
}

TEST(write, what_does_not_fit_is_taken_back)
{
	const std::string file = folder.write("f", "whole\n");
	rlimit old{};
	getrlimit(RLIMIT_FSIZE, &old);
	const auto handler = std::signal(SIGXFSZ, SIG_IGN);
	const rlimit little{100, old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &little);
	const auto appended = append_now(file, std::string(200, 'x') + "\n", 0);
	const auto replaced = replace_now(file, std::string(200, 'x'), 0);
	setrlimit(RLIMIT_FSIZE, &old);
	std::signal(SIGXFSZ, handler);
	CHECK(!appended);
	CHECK(!replaced);
	STRCMP_EQUAL("whole\n", folder.read(file).c_str());
	CHECK_EQUAL(1U, files());
}
