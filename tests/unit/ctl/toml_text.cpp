#include "toml_text.hpp"

#include <CppUTest/TestHarness.h>

TEST_GROUP(toml_text){static std::string of(const char *json, const char *path = ""){return ctl::toml_text(pb::Json::parse(json).get(), path);
}
}
;

TEST(toml_text, values_before_tables) { STRCMP_EQUAL("a = 1\nl = [\"x\", 2]\n\n[t]\nb = true\n", of(R"({"t":{"b":true},"a":1,"l":["x",2]})").c_str()); }

TEST(toml_text, tables_have_their_paths_and_odd_keys_their_quotes)
{
	STRCMP_EQUAL("[p.\"odd name\"]\nx = 1\n", of(R"({"odd name":{"x":1}})", "p").c_str());
	STRCMP_EQUAL("p.x = 5\n", of("5", "p.x").c_str());
	STRCMP_EQUAL("e = {}\nl = [{ a = 1 }]\n", of(R"({"e":{},"l":[{"a":1,"n":null}]})").c_str());
}

TEST(toml_text, what_is_not_set_is_a_comment) { STRCMP_EQUAL("# a is not set\n", of(R"({"a":null})").c_str()); }

TEST(toml_text, hostile_text_is_escaped) { STRCMP_EQUAL("a = \"\\u001B[2J\\u202e\"\n", of(R"({"a":"\u001b[2J\u202e"})").c_str()); }
