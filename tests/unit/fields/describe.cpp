#include "fields/check.hpp"

#include <CppUTest/TestHarness.h>

namespace {

constexpr pb_field end{};
constexpr pb_field ready[] = {{"tcp", PB_STRING, "", "address to connect to", 0, 0, nullptr, nullptr}, end};
constexpr pb_field fields[] = {
	{"host", PB_STRING, "\"127.0.0.1\"", "where gpsd listens", 1, 255, nullptr, nullptr},
	{"interval", PB_DURATION, "1s", "", 0.1, 3600, nullptr, nullptr},
	{"mode", PB_STRING, nullptr, "", 0, 0, "a|b", nullptr},
	{"password", PB_STRING | PB_SECRET, "\"admin\"", "", 0, 0, nullptr, nullptr},
	{"group", PB_MAP | PB_LIST | PB_STRING, "{}", "", 0, 0, nullptr, nullptr},
	{"ready", PB_TABLE | PB_ALSO_STRING, "\"none\"", "", 0, 0, "none", ready},
	end,
};

} // namespace

TEST_GROUP(describe){};

TEST(describe, as_get_methods_shows_it)
{
	STRCMP_EQUAL(R"([{"name":"host","type":"string","required":false,"default":"127.0.0.1","min":1,"max":255,"help":"where gpsd listens"},)"
				 R"({"name":"interval","type":"duration","required":false,"default":"1s","min":"100ms","max":"1h","help":""},)"
				 R"({"name":"mode","type":"string","required":true,"default":null,"min":null,"max":null,"help":"","choices":["a","b"]},)"
				 R"({"name":"password","type":"string","required":false,"default":null,"min":null,"max":null,"help":"","secret":true},)"
				 R"({"name":"group","type":"map of list of string","required":false,"default":{},"min":null,"max":null,"help":""},)"
				 R"({"name":"ready","type":"string or table","required":false,"default":"none","min":null,"max":null,"help":"","choices":["none"],)"
				 R"("fields":[{"name":"tcp","type":"string","required":false,"default":null,"min":null,"max":null,"help":"address to connect to"}]}])",
		core::fields::describe(fields).text().c_str());
	STRCMP_EQUAL("[]", core::fields::describe(nullptr).text().c_str());
}

TEST(describe, as_a_schema)
{
	STRCMP_EQUAL(
		R"({"type":"object","properties":{"host":{"type":"string","minLength":1,"maxLength":255,"description":"where gpsd listens","default":"127.0.0.1"},)"
		R"("interval":{"type":"string","pattern":"^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$","default":"1s"},"mode":{"type":"string","enum":["a","b"]},)"
		R"("password":{"type":"string","writeOnly":true},"group":{"type":"object","additionalProperties":{"type":"array","items":{"type":"string"}},"default":{}},)"
		R"("ready":{"anyOf":[{"type":"object","properties":{"tcp":{"type":"string","description":"address to connect to"}},"additionalProperties":false},)"
		R"({"type":"string","enum":["none"]}],"default":"none"}},"required":["mode"],"additionalProperties":false})",
		core::fields::schema(fields).text().c_str());
}

TEST(describe, tables_that_hold_themselves_end)
{
	pb_field tree[] = {{"child", PB_TABLE, "", "", 0, 0, nullptr, tree}, end};
	CHECK(core::fields::describe(tree).text().size() < 10000);
	CHECK(core::fields::schema(tree).text().size() < 10000);
}

TEST(describe, secrets_are_masked)
{
	const pb::Json given = pb::Json::parse(R"({"host":"a","password":"hunter2","group":{"token":["x"]},"api_token":"hunter2","list":[{"secret":"hunter2"}]})");
	STRCMP_EQUAL(R"({"host":"a","password":"***","group":{"token":["x"]},"api_token":"***","list":[{"secret":"***"}]})",
		core::fields::without_secrets(fields, given.get()).text().c_str());
}

TEST(describe, flaws_of_a_table_are_named)
{
	STRCMP_EQUAL("", core::fields::flaw_of(fields).c_str());
	STRCMP_EQUAL("", core::fields::flaw_of(nullptr).c_str());
	const pb_field bad_default[] = {{"port", PB_INTEGER, "0", "", 1, 10, nullptr, nullptr}, end};
	STRCMP_EQUAL("port: the default 0 does not pass: port must be between 1 and 10", core::fields::flaw_of(bad_default).c_str());
	const pb_field unquoted[] = {{"host", PB_STRING, "localhost", "", 0, 0, nullptr, nullptr}, end};
	STRCMP_EQUAL("host: the default localhost does not pass: host has a default that is no value: localhost", core::fields::flaw_of(unquoted).c_str());
	const pb_field no_type[] = {{"x", 15, "1", "", 0, 0, nullptr, nullptr}, end};
	STRCMP_EQUAL("x: type 0xf is none", core::fields::flaw_of(no_type).c_str());
	const pb_field no_fields[] = {{"x", PB_TABLE, "{}", "", 0, 0, nullptr, nullptr}, end};
	STRCMP_EQUAL("x: a table without fields", core::fields::flaw_of(no_fields).c_str());
}
