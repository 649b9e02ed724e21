#include "config/toml.hpp"

#include "config/key_depth.hpp"

#include <CppUTest/TestHarness.h>

using core::config::find_deep_key;
using core::config::parse_toml;

namespace {

std::string parsed(std::string_view text)
{
	const auto made = parse_toml(text, "f");
	if (made) return made->table.text();
	std::string out = "!";
	for (const auto &p : made.error()) out += " " + core::config::to_string(p);
	return out;
}
std::string repeated(std::string_view text, int n)
{
	std::string out;
	for (int i = 0; i < n; ++i) out += text;
	return out;
}

} // namespace

TEST_GROUP(toml){};

TEST(toml, every_type_has_its_json)
{
	STRCMP_EQUAL(R"({"a":1,"b":1.5,"c":"x","d":true,"e":[1,[2]],"t":{"u":{"v":0}}})",
		parsed("a = 1\nb = 1.5\nc = 'x'\nd = true\ne = [1, [2]]\nt = { u.v = 0x0 }").c_str());
	STRCMP_EQUAL("{}", parsed("").c_str());
	STRCMP_EQUAL("{}", parsed("\xef\xbb\xbf# only a comment\r\n").c_str());
}

TEST(toml, dates_become_text)
{
	STRCMP_EQUAL(R"({"a":"2026-11-24T10:00:00Z","b":"2026-11-24T10:00:00.250000000-01:30","c":"2026-11-24","d":"10:00:01","e":"2026-11-24T10:00:00"})",
		parsed("a = 2026-11-24T10:00:00Z\nb = 2026-11-24 10:00:00.25-01:30\nc = 2026-11-24\nd = 10:00:01\ne = 2026-11-24T10:00:00").c_str());
}

TEST(toml, places_of_keys_and_entries)
{
	const auto made = parse_toml("[http]\nlisten = [\"a\",\n  \"b\"]\n[plugins.procs.process.kismet]\nready = { tcp = \"x\" }\n[[t]]\n[[t]]\nn = 1\n", "f");
	const auto at = [&](const char *path) {
		const auto &p = made->places.at(path);
		return p.file + ":" + std::to_string(p.line) + ":" + std::to_string(p.column);
	};
	STRCMP_EQUAL("f:1:2", at("http").c_str());
	STRCMP_EQUAL("f:2:1", at("http.listen").c_str());
	STRCMP_EQUAL("f:3:3", at("http.listen[1]").c_str());
	STRCMP_EQUAL("f:4:24", at("plugins.procs.process.kismet").c_str());
	STRCMP_EQUAL("f:5:11", at("plugins.procs.process.kismet.ready.tcp").c_str());
	STRCMP_EQUAL("f:8:1", at("t[1].n").c_str());
}

TEST(toml, what_cannot_be_taken_is_told_with_its_place)
{
	STRCMP_EQUAL("! f:2:5: Error while parsing key-value pair: expected value, saw '\\n'", parsed("a = 1\nb = \n").c_str());
	STRCMP_EQUAL("! f:1:5: a must be a finite number f:2:5: b must be a finite number", parsed("a = nan\nb = -inf").c_str());
	STRCMP_EQUAL("! f:1:1: a key has a NUL character in it", parsed("\"a\\u0000b\" = 1").c_str());
	CHECK(parsed("a = \"\xff\"").find("utf-8") != std::string::npos);
	CHECK(parsed(std::string_view("\x7f\x45LF\0\1", 6)).starts_with("! f:1:"));
	CHECK(parsed("a = 1\na = 2").find("f:2:") != std::string::npos);
	STRCMP_EQUAL("! f:1:3: Error while parsing key: expected bare key starting character or string delimiter, saw '['", parsed("[[[a]]]").c_str());
}

TEST(toml, depth_is_bounded_however_it_is_written)
{
	CHECK(parsed("a = " + repeated("[", 300) + repeated("]", 300)).starts_with("! f:1:"));
	CHECK(parsed("a = " + repeated("{a=", 300) + "1" + repeated("}", 300)).starts_with("! f:1:"));
	STRCMP_EQUAL("! f:1:64: a key with more than 32 parts", parsed(repeated("a.", 200000) + "a = 1").c_str());
	STRCMP_EQUAL("! f:2:65: a key with more than 32 parts", parsed("\n[" + repeated("a.", 200000) + "a]").c_str());
	CHECK(parsed("a = {" + repeated("a.", 200000) + "a = 1}").find("more than 32 parts") != std::string::npos);
	CHECK(parsed(repeated("\"x\" . ", 200000) + "a = 1").find("more than 32 parts") != std::string::npos);
	CHECK(parsed(repeated("a.", 30) + "a = {" + repeated("a.", 30) + "a = 1}").find("nested more than 32 deep") != std::string::npos);
}

TEST(toml, dots_in_strings_and_comments_are_no_keys)
{
	const std::string dots = repeated(".", 100);
	for (const std::string &text : {"a = \"" + dots + "\"", "a = '" + dots + "'", "a = \"\"\"\n" + dots + "\"\"\"\"\"", "a = '''" + dots + "\n'''", "# " + dots,
			 "a = \"\\\"" + dots + "\"", "'" + dots + "' = 1"}) {
		CHECK_TEXT(!find_deep_key(text), text.c_str());
		CHECK_TEXT(parsed(text).starts_with("{"), text.c_str());
	}
	CHECK(find_deep_key("a = \"\"\"x\"\"\"\"\"\n" + repeated("a.", 40) + "a = 1").has_value()); // the string has ended
	CHECK(find_deep_key("a = '''x'''''\n" + repeated("a.", 40) + "a = 1").has_value());
	CHECK(find_deep_key("a = \"\"\n" + repeated("a.", 40) + "a = 1").has_value());
	CHECK(!find_deep_key("a = \"" + dots));
	CHECK(!find_deep_key("\""));
	CHECK(!find_deep_key("\"\"\""));
	CHECK(!find_deep_key("\"\\"));
}

TEST(toml, letters_beyond_ascii_stand_in_quotes)
{
	STRCMP_EQUAL(R"({"a":"ü","ß":1})", parsed("a = 'ü' # ä\n'ß' = 1").c_str());
	for (const char *text : {"a = 1\nb = xü", "ä = 1", "a = ˤ", "a = 076\"ë\"", "a = --[\"Κm''", "\u00a0a = 1"})
		CHECK_TEXT(parsed(text).starts_with("! f:"), text);
	STRCMP_EQUAL(R"({"a":"x ü"})", parsed("a = \"\"\"x \\\n  ü\"\"\"").c_str());
}
