#include "wrong.hpp"

#include <CppUTest/TestHarness.h>

TEST_GROUP(wrong){/// "!text→advice;" of each, "." before what is not severe.
	static std::string of(const char *part, const char *json){ctl::Parts parts;
parts[part] = pb::Json::parse(json);
std::string out;
for (const ctl::Wrong &w : ctl::wrong_with(parts)) out += (w.is_severe ? "!" : ".") + w.text + "→" + w.advice + ";";
return out;
}
}
;

TEST(wrong, nothing_is_wrong_with_nothing)
{
	STRCMP_EQUAL("", of("gps", "null").c_str());
	STRCMP_EQUAL("", of("plugins", "{}").c_str());
	STRCMP_EQUAL("", of("processes", R"({"processes":[{"name":"a","state":"ready"},{"name":"b","state":"stopped"}]})").c_str());
	STRCMP_EQUAL("", of("gps", R"({"link":{"state":"up"},"fix":{"mode":3},"devices":[{}],"stale":false})").c_str());
}

TEST(wrong, each_has_what_to_do)
{
	STRCMP_EQUAL("!process a failed: why→patchbayctl logs a; then patchbayctl start a;",
		of("processes", R"({"processes":[{"name":"a","state":"failed","reason":"why"}]})").c_str());
	STRCMP_EQUAL("!taken→sudo kill 7;", of("ports", R"({"conflicts":[{"message":"taken","holder":{"pid":7}}]})").c_str());
	STRCMP_EQUAL(".Kismet is down: r→h;", of("kismet", R"({"state":"down","reason":"r","hint":"h"})").c_str());
	STRCMP_EQUAL(
		"!gpsd has no receiver→plug it in; patchbayctl doctor says which device and rights;", of("gps", R"({"link":{"state":"up"},"devices":[]})").c_str());
}

TEST(wrong, what_is_over_is_not_told)
{
	STRCMP_EQUAL(
		"", of("recovery", R"({"incidents":[{"class":"X","state":"given up","ended":"2026-01-01T00:00:00Z"},{"class":"Y","state":"recovered"}]})").c_str());
}

TEST(wrong, the_worst_stands_first)
{
	const std::string all = of("plugins", R"({"plugins":[{"name":"w","state":"waiting","reason":"r"},{"name":"f","state":"failed","reason":"x"}]})");
	CHECK(all.starts_with("!plugin f: x"));
}
