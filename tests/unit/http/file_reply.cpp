#include "http/file_reply.hpp"

#include "folder.hpp"

#include <CppUTest/TestHarness.h>

using core::http::FileAsk;
using core::http::FileReply;
using core::http::Mount;

TEST_GROUP(FileReply)
{
	void setup() override
	{
		root.write("index.html", "<p>home</p>");
		root.write("app.js", "0123456789");
		root.write("app.js.gz", "packed");
		root.write("app.js.br", "pressed");
		root.write("plain.txt", "plain");
		root.write("empty.txt", "");
		root.folder("sub");
		root.folder("sub/bare");
		root.write("sub/index.html", "<p>sub</p>");
		root.folder("folder.br");
		root.write("folder", "not packed");
		root.link("/etc/passwd", "leak.txt");
		mkfifo((root.path + "/pipe").c_str(), 0644);
		ask.candidates = {{std::make_shared<Mount>(Mount{"/", root.path, "", {}, 1}), ""}};
	}
	FileReply get(const char *path)
	{
		ask.candidates[0].path = path;
		ask.url = std::string("/") + path;
		return reply_with_file(ask, 1 << 16);
	}
	static std::string header(const FileReply &r, std::string_view name)
	{
		for (const auto &[n, v] : r.headers)
			if (n == name) return v;
		return "";
	}
	Folder root;
	FileAsk ask;
};

TEST(FileReply, a_file_comes_with_its_type_and_its_tags)
{
	const auto r = get("plain.txt");
	LONGS_EQUAL(200, r.status);
	STRCMP_EQUAL("plain", r.body.c_str());
	LONGS_EQUAL(5, r.size);
	STRCMP_EQUAL("text/plain; charset=utf-8", header(r, "Content-Type").c_str());
	STRCMP_EQUAL("no-cache", header(r, "Cache-Control").c_str());
	STRCMP_EQUAL("Accept-Encoding", header(r, "Vary").c_str());
	STRCMP_EQUAL("nosniff", header(r, "X-Content-Type-Options").c_str());
	CHECK(header(r, "ETag").starts_with('"'));
	CHECK(header(r, "Last-Modified").ends_with(" GMT"));
	LONGS_EQUAL(200, get("empty.txt").status);
}

TEST(FileReply, folders_give_their_index_and_never_a_list)
{
	STRCMP_EQUAL("<p>home</p>", get("").body.c_str());
	STRCMP_EQUAL("<p>sub</p>", get("sub/").body.c_str());
	LONGS_EQUAL(0, get("sub/bare/").status);
	LONGS_EQUAL(0, get("plain.txt/").status);
	LONGS_EQUAL(0, get("none").status);
	LONGS_EQUAL(0, get("leak.txt").status);
	LONGS_EQUAL(0, get("pipe").status);
}

TEST(FileReply, a_folder_without_its_slash_is_redirected_within_the_site)
{
	ask.query = "a=1";
	auto r = get("sub");
	LONGS_EQUAL(301, r.status);
	STRCMP_EQUAL("/sub/?a=1", header(r, "Location").c_str());
	ask.candidates[0].path = "sub";
	ask.url = "/\\evil.example\r\nX: y/sub";
	r = reply_with_file(ask, 1 << 16);
	STRCMP_EQUAL("/%5Cevil.example%0D%0AX%3A%20y/sub/?a=1", header(r, "Location").c_str());
}

TEST(FileReply, the_packed_twin_serves_who_takes_it)
{
	const std::string plain_tag = header(get("app.js"), "ETag");
	ask.encodings.gzip = true;
	auto r = get("app.js");
	STRCMP_EQUAL("packed", r.body.c_str());
	STRCMP_EQUAL("gzip", header(r, "Content-Encoding").c_str());
	STRCMP_EQUAL("text/javascript; charset=utf-8", header(r, "Content-Type").c_str());
	CHECK(header(r, "ETag") != plain_tag);
	ask.encodings.br = true;
	r = get("app.js");
	STRCMP_EQUAL("pressed", r.body.c_str());
	STRCMP_EQUAL("br", header(r, "Content-Encoding").c_str());
	STRCMP_EQUAL("plain", get("plain.txt").body.c_str());
	STRCMP_EQUAL("not packed", get("folder").body.c_str()); // its .br is a folder
}

TEST(FileReply, an_unchanged_file_is_not_sent_again)
{
	const auto first = get("plain.txt");
	ask.if_none_match = "\"other\", W/" + header(first, "ETag");
	auto r = get("plain.txt");
	LONGS_EQUAL(304, r.status);
	LONGS_EQUAL(0, r.body.size());
	STRCMP_EQUAL(header(first, "ETag").c_str(), header(r, "ETag").c_str());
	ask.if_none_match = "*";
	LONGS_EQUAL(304, get("plain.txt").status);
	ask.if_none_match = "\"other\"";
	ask.if_modified_since = header(first, "Last-Modified");
	LONGS_EQUAL(200, get("plain.txt").status); // the tag decides alone
	ask.if_none_match = "";
	LONGS_EQUAL(304, get("plain.txt").status);
	ask.if_modified_since = "Sun, 06 Nov 1994 08:49:37 GMT";
	LONGS_EQUAL(200, get("plain.txt").status);
	const std::string before = header(first, "ETag");
	root.write("plain.txt", "PLAIN");
	root.write("plain.new", "PLAIN");
	rename((root.path + "/plain.new").c_str(), (root.path + "/plain.txt").c_str());
	ask.if_none_match = before;
	LONGS_EQUAL(200, get("plain.txt").status);
}

TEST(FileReply, a_range_is_cut_from_the_plain_file)
{
	ask.encodings.gzip = true;
	ask.range = "bytes=2-4";
	auto r = get("app.js");
	LONGS_EQUAL(206, r.status);
	STRCMP_EQUAL("234", r.body.c_str());
	STRCMP_EQUAL("bytes 2-4/10", header(r, "Content-Range").c_str());
	STRCMP_EQUAL("", header(r, "Content-Encoding").c_str());
	ask.if_range = header(r, "ETag");
	LONGS_EQUAL(206, get("app.js").status);
	ask.if_range = header(r, "Last-Modified");
	LONGS_EQUAL(206, get("app.js").status);
	ask.if_range = "\"other\"";
	r = get("app.js");
	LONGS_EQUAL(200, r.status);
	STRCMP_EQUAL("0123456789", r.body.c_str());
	ask.if_range = "";
	ask.range = "bytes=10-";
	r = get("app.js");
	LONGS_EQUAL(416, r.status);
	STRCMP_EQUAL("bytes */10", header(r, "Content-Range").c_str());
}

TEST(FileReply, large_files_are_left_to_be_read_in_pieces)
{
	root.write("large.bin", std::string(100000, 'x'));
	auto r = get("large.bin");
	LONGS_EQUAL(200, r.status);
	CHECK(static_cast<bool>(r.rest));
	LONGS_EQUAL(100000, r.size);
	ask.range = "bytes=10-99999";
	r = get("large.bin");
	LONGS_EQUAL(206, r.status);
	LONGS_EQUAL(10, r.offset);
	LONGS_EQUAL(99990, r.size);
	ask.range = "";
	ask.is_head = true;
	r = get("large.bin");
	LONGS_EQUAL(100000, r.size);
	CHECK_FALSE(static_cast<bool>(r.rest));
}

TEST(FileReply, the_first_folder_that_has_it_serves)
{
	Folder second;
	second.write("only.txt", "second");
	second.write("plain.txt", "hidden");
	ask.candidates.push_back({std::make_shared<Mount>(Mount{"/", second.path, "max-age=60", {{"X-Kit", "1"}}, 1}), "only.txt"});
	const auto r = get("only.txt");
	STRCMP_EQUAL("second", r.body.c_str());
	STRCMP_EQUAL("max-age=60", header(r, "Cache-Control").c_str());
	STRCMP_EQUAL("1", header(r, "X-Kit").c_str());
	ask.candidates[1].path = "plain.txt";
	STRCMP_EQUAL("plain", get("plain.txt").body.c_str());
}
