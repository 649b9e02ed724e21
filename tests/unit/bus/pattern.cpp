#include "bus/pattern.hpp"

#include <CppUTest/TestHarness.h>

#include <string>

using namespace core;

TEST_GROUP(Pattern){};

TEST(Pattern, names)
{
	for (const char *good : {"gps/fix", "a", "procs/kismet-1", "netif/wlan2.100", "kismet/AA:BB", "x/@home_1"}) CHECK_TEXT(is_topic_name(good), good);
	for (const char *bad : {"", "/", "a/", "/a", "a//b", "a/*", "**", "a b", "a/\n", "..", "a/../b", "\xc3\xa9"}) CHECK_FALSE_TEXT(is_topic_name(bad), bad);
	CHECK(is_topic_name(std::string(128, 'a')));
	CHECK_FALSE(is_topic_name(std::string(129, 'a')));
	for (const char *good : {"*", "**", "gps/*", "**/fix", "a/**/b"}) CHECK_TEXT(is_pattern(good), good);
	for (const char *bad : {"gps/f*", "***", "a/", ""}) CHECK_FALSE_TEXT(is_pattern(bad), bad);
}

TEST(Pattern, one_part_and_any)
{
	CHECK(matches("gps/fix", "gps/fix"));
	CHECK_FALSE(matches("gps/fix", "gps/fix/more"));
	CHECK_FALSE(matches("gps", "gps/fix"));
	CHECK(matches("gps/*", "gps/fix"));
	CHECK_FALSE(matches("gps/*", "gps"));
	CHECK_FALSE(matches("gps/*", "gps/a/b"));
	CHECK(matches("*", "gps"));
	CHECK_FALSE(matches("*", "gps/fix"));
	CHECK(matches("**", "gps"));
	CHECK(matches("**", "a/b/c/d"));
	CHECK(matches("a/**", "a"));
	CHECK(matches("a/**", "a/b/c"));
	CHECK_FALSE(matches("a/**", "b/a"));
	CHECK(matches("**/c", "c"));
	CHECK(matches("**/c", "a/b/c"));
	CHECK_FALSE(matches("**/c", "a/b/c/d"));
	CHECK(matches("a/**/z", "a/z"));
	CHECK(matches("a/**/m/**/z", "a/x/m/m/y/z"));
	CHECK_FALSE(matches("a/**/m/**/z", "a/x/y/z"));
	CHECK(matches("**/a/*", "a/a/a"));
}

TEST(Pattern, many_stars_end_soon)
{
	std::string pattern = "**", name = "a";
	while (pattern.size() < 120) pattern += "/a/**";
	while (name.size() < 126) name += "/a";
	CHECK(matches(pattern, name));
	CHECK_FALSE(matches(pattern + "/b", name));
}
