#include "http/decode.hpp"

#include <CppUTest/TestHarness.h>

using namespace core::http;

TEST_GROUP(Decode){std::string text(std::string_view raw, bool is_form = false){std::string out;
return decode(raw, out, is_form) ? "!" : out;
}
/// The parts, joined by '|'.
std::string path(std::string_view raw)
{
	std::string out, joined;
	std::vector<Part> parts;
	if (decode_path(raw, out, parts)) return "!";
	for (const Part &p : parts) joined.append("|").append(out, p.at, p.size);
	return joined;
}
}
;

TEST(Decode, escapes_become_bytes)
{
	STRCMP_EQUAL("a b/\xc3\xa4", text("a%20b%2F%c3%A4").c_str());
	STRCMP_EQUAL("a+b", text("a+b").c_str());
	STRCMP_EQUAL("a b", text("a+b", true).c_str());
	STRCMP_EQUAL("", text("").c_str());
}

TEST(Decode, what_cannot_be_text_is_refused)
{
	for (const char *bad : {"%", "%4", "%zz", "%4g", "a%", "%00", "a%00b", "%ff", "%c3", "%c0%af", "%ed%a0%80", "%f4%90%80%80", "%e0%80%80", "\xff", "%u0041"})
		STRCMP_EQUAL_TEXT("!", text(bad).c_str(), bad);
	STRCMP_EQUAL("\xf0\x9f\x98\x80", text("%f0%9f%98%80").c_str());
	STRCMP_EQUAL("\xef\xbf\xbf", text("%ef%bf%bf").c_str());
}

TEST(Decode, paths_keep_their_parts)
{
	STRCMP_EQUAL("|", path("/").c_str());
	STRCMP_EQUAL("|a|b", path("/a/b").c_str());
	STRCMP_EQUAL("|a|", path("/a/").c_str());
	STRCMP_EQUAL("||a", path("//a").c_str());
	STRCMP_EQUAL("|a/b|c", path("/a%2fb/c").c_str());
	STRCMP_EQUAL("|...|a", path("/.../a").c_str());
}

TEST(Decode, dots_do_not_climb)
{
	for (const char *bad : {"/..", "/../a", "/a/..", "/a/../b", "/.", "/a/./b", "/%2e%2e/a", "/.%2e", "/%2E"}) STRCMP_EQUAL_TEXT("!", path(bad).c_str(), bad);
	STRCMP_EQUAL("|..\xe2\x80\xa6", path("/..%e2%80%a6").c_str());
}

TEST(Decode, queries_are_pairs_in_order)
{
	Pairs p;
	POINTERS_EQUAL(nullptr, decode_query("a=1&b&&c=%26=+x&a=2", p));
	LONGS_EQUAL(4, p.size());
	STRCMP_EQUAL("1", p[0].second.c_str());
	STRCMP_EQUAL("b", p[1].first.c_str());
	STRCMP_EQUAL("", p[1].second.c_str());
	STRCMP_EQUAL("&= x", p[2].second.c_str());
	STRCMP_EQUAL("a", p[3].first.c_str());
	CHECK(decode_query("a=%00", p) != nullptr);
	CHECK(decode_query("%zz", p) != nullptr);
}
