#include "http/chunks.hpp"

#include <CppUTest/TestHarness.h>

#include <string>

using core::http::Chunks;

TEST_GROUP(Chunks)
{
	/// The body; "!" and what is wrong; "…" where more is wanted. step: bytes that come at a time.
	std::string take(const std::string &text, std::size_t step = std::string::npos)
	{
		Chunks chunks;
		std::string body, held;
		for (std::size_t at = 0; at < text.size();) {
			const std::size_t n = std::min(step, text.size() - at);
			held.append(text, at, n);
			at += n;
			for (;;) {
				const Chunks::Piece p = chunks.take(held);
				if (p.why) return std::string("!") + p.why;
				body += p.data;
				held.erase(0, p.used);
				if (p.is_end) {
					left = held + text.substr(at);
					return body;
				}
				if (p.used == 0 || held.empty()) break;
			}
		}
		return body + "…";
	}
	std::string left;
};

TEST(Chunks, come_off_however_they_come)
{
	const std::string sent = "3\r\nabc\r\n0A\r\n0123456789\r\n00\r\n\r\nGET";
	for (std::size_t step = 1; step <= sent.size(); ++step) {
		STRCMP_EQUAL("abc0123456789", take(sent, step).c_str());
		STRCMP_EQUAL("GET", left.c_str());
	}
	STRCMP_EQUAL("", take("0\r\n\r\n").c_str());
}

TEST(Chunks, a_part_wants_more)
{
	const std::string sent = "3\r\nabc\r\n0\r\n\r\n";
	for (std::size_t n = 0; n < sent.size(); ++n) CHECK(take(sent.substr(0, n)).ends_with("…"));
}

TEST(Chunks, anything_else_is_refused)
{
	for (const char *bad : {"\r\n", "g\r\n", "-1\r\n", "+1\r\n", " 1\r\n", "1 \r\n", "0x1\r\n", "1\n", "1\rx", "1;a=b\r\n", "123456789\r\n", "1\r\nab\r\n",
			 "1\r\na\n", "1\r\na\rx", "0\r\nX: y\r\n\r\n", "0\r\n\n", "0\r\n\rx"})
		CHECK_TEXT(take(bad).starts_with("!"), bad);
}
