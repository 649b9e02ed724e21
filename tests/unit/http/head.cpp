#include "http/head.hpp"

#include <CppUTest/TestHarness.h>

#include <string>

using namespace core::http;

TEST_GROUP(HeadEnd)
{
	/// The status that it is refused with, 0: found, 1: more wanted. step: bytes that come at a time.
	int look(const std::string &text, std::size_t step = std::string::npos)
	{
		HeadEnd end;
		for (std::size_t n = std::min(step, text.size());; n = std::min(n + step, text.size())) {
			const auto state = end.look(std::string_view(text).substr(0, n), Limits());
			if (state == HeadEnd::State::refused) return end.why.status;
			if (state == HeadEnd::State::found) {
				size = end.size;
				return 0;
			}
			if (n == text.size()) return 1;
		}
	}
	std::size_t size = 0;
};

TEST(HeadEnd, is_found_however_it_comes)
{
	const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n";
	for (std::size_t step = 1; step <= head.size() + 4; ++step) {
		LONGS_EQUAL(0, look(head + "GET", step));
		LONGS_EQUAL(head.size(), size);
	}
}

TEST(HeadEnd, a_part_of_one_wants_more)
{
	for (const char *part : {"G", "GET / HTTP/1.1", "GET / HTTP/1.1\r", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n\r"}) LONGS_EQUAL_TEXT(1, look(part), part);
}

TEST(HeadEnd, lf_alone_is_refused_at_once)
{
	LONGS_EQUAL(400, look("GET / HTTP/1.1\n"));
	LONGS_EQUAL(400, look("GET / HTTP/1.1\r\nHost: a\n"));
	LONGS_EQUAL(400, look("GET / HTTP/1.1\r\nHost: a\r\n\n"));
}

TEST(HeadEnd, other_protocols_are_refused_at_their_first_byte)
{
	LONGS_EQUAL(400, look("\x16\x03\x01"));
	LONGS_EQUAL(400, look(std::string(1, '\0')));
	LONGS_EQUAL(400, look(" GET"));
	LONGS_EQUAL(400, look("\xff"));
}

TEST(HeadEnd, limits_hold_with_and_without_an_end)
{
	const std::string line(8193 - 14, 'a');
	for (const std::size_t step : {std::size_t{1000}, std::string::npos}) {
		LONGS_EQUAL(414, look("GET /" + line + " HTTP/1.1\r\n\r\n", step));
		LONGS_EQUAL(414, look(std::string(8193, 'G'), step));
		LONGS_EQUAL(431, look("GET / HTTP/1.1\r\nX: " + std::string(17000, 'x') + "\r\n\r\n", step));
		LONGS_EQUAL(431, look("GET / HTTP/1.1\r\nX: " + std::string(17000, 'x'), step));
	}
	LONGS_EQUAL(0, look("GET /" + std::string(8192 - 14, 'a') + " HTTP/1.1\r\n\r\n"));
}

TEST(HeadEnd, a_hundred_headers_and_no_more)
{
	std::string head = "GET / HTTP/1.1\r\n";
	for (int i = 0; i < 100; ++i) head += "a: b\r\n";
	LONGS_EQUAL(0, look(head + "\r\n"));
	LONGS_EQUAL(431, look(head + "a: b\r\n\r\n"));
}

TEST_GROUP(Head)
{
	/// The status that it is refused with, 0: taken.
	int parse(const std::string &text)
	{
		bytes = text;
		head.clear();
		const Refusal why = parse_head(bytes, head);
		CHECK(why.status >= 400);
		return why ? why.status : 0;
	}
	int with(const std::string &headers) { return parse("POST /x HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n"); }
	int line(const std::string &request_line) { return parse(request_line + "\r\nHost: a\r\n\r\n"); }
	std::string bytes;
	Head head;
};

TEST(Head, is_taken_apart)
{
	LONGS_EQUAL(0, parse("PUT /a/b?c=d&e HTTP/1.1\r\nHost: kit:80\r\nX-A:  one two\t\r\nx-a: three\r\nEmpty:\r\nContent-Length: 12\r\n\r\n"));
	CHECK(head.method == Method::put);
	STRCMP_EQUAL("PUT", head.method_name.data()); // a NUL behind it
	STRCMP_EQUAL("/a/b?c=d&e", head.target.data());
	CHECK(head.path == "/a/b");
	CHECK(head.query == "c=d&e");
	CHECK(head.host == "kit:80");
	LONGS_EQUAL(5, head.headers.size());
	STRCMP_EQUAL("one two", head.find("x-A")->data());
	STRCMP_EQUAL("X-A", head.headers[1].name.data());
	STRCMP_EQUAL("", head.get("empty").data());
	POINTERS_EQUAL(nullptr, head.find("absent"));
	LONGS_EQUAL(12, head.content_length);
	CHECK(head.is_keep_alive && !head.is_1_0 && head.has_body() && head.is_plain);
}

TEST(Head, absolute_targets_carry_their_own_host)
{
	LONGS_EQUAL(0, line("GET HTTP://other:81/p?q HTTP/1.1"));
	CHECK(head.host == "other:81");
	CHECK(head.path == "/p");
	CHECK(head.query == "q");
	LONGS_EQUAL(0, line("GET https://other?q HTTP/1.1"));
	CHECK(head.path == "/");
	for (const char *bad : {"GET http:// HTTP/1.1", "GET http://u@h/ HTTP/1.1", "GET ftp://h/ HTTP/1.1", "GET h:80 HTTP/1.1", "GET x HTTP/1.1"})
		LONGS_EQUAL_TEXT(400, line(bad), bad);
}

TEST(Head, request_lines_that_are_none)
{
	for (const char *bad : {"", " / HTTP/1.1", "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/1.1 ", "GET / HTTP/11", "GET / http/1.1", "GET / HTTP/1.x",
			 "GET /a b HTTP/1.1", "GET\t/\tHTTP/1.1", "GET /\x01 HTTP/1.1", "GET /\x7f HTTP/1.1", "GET /a#b HTTP/1.1", "GET /\xff HTTP/1.1",
			 "GET /\xc0\xaf HTTP/1.1", "G@T / HTTP/1.1", "GET * HTTP/1.1", "GET /\r HTTP/1.1"})
		LONGS_EQUAL_TEXT(400, line(bad), bad);
	for (const char *bad : {"GET /", "GET / HTTP/2.0", "GET / HTTP/0.9", "GET / HTTP/1.2", "PRI * HTTP/2.0"})
		CHECK_TEXT(line(bad) == 505 || line(bad) == 400, bad);
	LONGS_EQUAL(505, line("GET /"));
	LONGS_EQUAL(505, line("GET / HTTP/2.0"));
	LONGS_EQUAL(501, line("get / HTTP/1.1"));
	LONGS_EQUAL(405, line("CONNECT h:443 HTTP/1.1"));
	LONGS_EQUAL(405, line("TRACE / HTTP/1.1"));
	LONGS_EQUAL(0, line("OPTIONS * HTTP/1.1"));
	LONGS_EQUAL(0, line("M-SEARCH /x HTTP/1.1"));
	LONGS_EQUAL(0, line("GET /\xc3\xa4 HTTP/1.1"));
	CHECK(!head.is_plain);
}

TEST(Head, a_nul_anywhere_is_refused)
{
	const std::string good = "GET /ab HTTP/1.1\r\nHost: a\r\nAbc: def\r\n\r\n";
	for (std::size_t i = 0; i < good.size() - 4; ++i) {
		std::string bad = good;
		bad[i] = '\0';
		CHECK_TEXT(parse(bad) != 0, std::to_string(i).c_str());
	}
}

TEST(Head, lengths_leave_no_doubt)
{
	for (const char *bad :
		{"Content-Length: 3\r\nContent-Length: 3\r\n", "Content-Length: 3\r\ncontent-length: 4\r\n", "Content-Length: +3\r\n", "Content-Length: -1\r\n",
			"Content-Length: 3, 3\r\n", "Content-Length: 0x3\r\n", "Content-Length:\r\n", "Content-Length: 3 3\r\n", "Content-Length: 9999999999999999999\r\n",
			"Content-Length : 3\r\n", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
			"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"})
		LONGS_EQUAL_TEXT(400, with(bad), bad);
	for (const char *bad : {"Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked, chunked\r\n", "Transfer-Encoding: identity\r\n",
			 "Transfer-Encoding:\r\n", "Transfer-Encoding: x-chunked\r\n",
			 "Transfer-Encoding: \x0b"
			 "chunked\r\n"})
		CHECK_TEXT(with(bad) == 501 || with(bad) == 400, bad);
	LONGS_EQUAL(0, with("transfer-encoding: Chunked\r\n"));
	CHECK(head.is_chunked);
	LONGS_EQUAL(400, parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

TEST(Head, header_lines_that_are_none)
{
	for (const char *bad : {"X: a\r\n folded\r\n", "\tX: a\r\n", "no colon\r\n", ": a\r\n", "X : a\r\n", "X Y: a\r\n",
			 "X: a\x01"
			 "b\r\n",
			 "X: a\rb\r\n", "X\x80: a\r\n", "X: a\x7f\r\n"})
		LONGS_EQUAL_TEXT(400, with(bad), bad);
	LONGS_EQUAL(0, with("X: caf\xe9 \xc3\xa4\tb\r\n")); // other bytes are the reader's affair
}

TEST(Head, one_host_where_1_1_is_spoken)
{
	LONGS_EQUAL(400, parse("GET / HTTP/1.1\r\n\r\n"));
	LONGS_EQUAL(400, with("Host: b\r\n"));
	LONGS_EQUAL(400, parse("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"));
	LONGS_EQUAL(400, parse("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"));
	LONGS_EQUAL(0, parse("GET / HTTP/1.0\r\n\r\n"));
	LONGS_EQUAL(0, parse("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"));
}

TEST(Head, connection_is_a_list)
{
	const auto keeps = [this](const char *version, const char *value) {
		LONGS_EQUAL(0, parse(std::string("GET / ") + version + "\r\nHost: a\r\n" + value + "\r\n"));
		return head.is_keep_alive;
	};
	CHECK(keeps("HTTP/1.1", ""));
	CHECK(keeps("HTTP/1.1", "Connection: keep-alive\r\n"));
	CHECK(!keeps("HTTP/1.1", "Connection: CLOSE\r\n"));
	CHECK(!keeps("HTTP/1.1", "Connection: foo , close\r\n"));
	CHECK(!keeps("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
	CHECK(keeps("HTTP/1.1", "Connection: closed\r\n"));
	CHECK(!keeps("HTTP/1.0", ""));
	CHECK(keeps("HTTP/1.0", "Connection: Keep-Alive\r\n"));
}

TEST(Head, expectations)
{
	LONGS_EQUAL(0, with("Expect: 100-Continue\r\n"));
	CHECK(head.expects_continue);
	LONGS_EQUAL(417, with("Expect: 200-ok\r\n"));
	LONGS_EQUAL(0, parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"));
	CHECK(!head.expects_continue);
}

TEST(Head, plain_paths_are_told_from_those_to_look_at)
{
	const auto plain = [this](const char *path) {
		LONGS_EQUAL(0, line(std::string("GET ") + path + " HTTP/1.1"));
		return head.is_plain;
	};
	CHECK(plain("/") && plain("/a.b/c..d/e") && plain("/a?b=%2e/../c"));
	CHECK(!plain("/../a") && !plain("/a/./b") && !plain("//a") && !plain("/a//b") && !plain("/%61") && !plain("/a/.hidden"));
}
