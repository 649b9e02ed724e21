#include "typed.hpp"
#include "failure.hpp"

#include <CppUTest/TestHarness.h>

TEST_GROUP(typed){static std::string of(const char *type, const char *text){try {return ctl::typed("k", type, text).text();
}
catch (const ctl::Failure &f) { return f.exit == ctl::bad_usage ? "refused" : "?"; }
}
}
;

TEST(typed, a_value_has_the_declared_type)
{
	STRCMP_EQUAL("\"5\"", of("string", "5").c_str());
	STRCMP_EQUAL("5", of("integer", "5").c_str());
	STRCMP_EQUAL("-9223372036854775808", of("integer", "-9223372036854775808").c_str());
	STRCMP_EQUAL("0.5", of("number", "0.5").c_str());
	STRCMP_EQUAL("true", of("boolean", "yes").c_str());
	STRCMP_EQUAL("false", of("boolean", "0").c_str());
	STRCMP_EQUAL("\"5s\"", of("duration", "5s").c_str());
	STRCMP_EQUAL("{\"a\":1}", of("table", "{\"a\":1}").c_str());
	STRCMP_EQUAL("{\"a\":\"b\"}", of("map of string", "{\"a\":\"b\"}").c_str());
}

TEST(typed, lists_are_with_commas_or_json)
{
	STRCMP_EQUAL("[\"a,b\",\"\"]", of("list of string", "[\"a,b\",\"\"]").c_str());
	STRCMP_EQUAL("[\"a\",\"b\"]", of("list of string", "a,b").c_str());
	STRCMP_EQUAL("[1,2]", of("list of integer", "1,2").c_str());
	STRCMP_EQUAL("[]", of("list of string", "").c_str());
	STRCMP_EQUAL("refused", of("list of integer", "1,x").c_str());
}

TEST(typed, what_may_be_either_is_told_by_its_beginning)
{
	STRCMP_EQUAL("\"none\"", of("string or table", "none").c_str());
	STRCMP_EQUAL("{\"tcp\":\"x\"}", of("string or table", "{\"tcp\":\"x\"}").c_str());
	STRCMP_EQUAL("5", of("any", "5").c_str());
	STRCMP_EQUAL("\"five\"", of("any", "five").c_str());
}

TEST(typed, what_does_not_fit_is_refused)
{
	for (const auto &[type, text] : {std::pair("integer", "5x"), {"integer", ""}, {"integer", "9223372036854775808"}, {"integer", "1.5"}, {"number", "nan"},
			 {"number", "x"}, {"boolean", "maybe"}, {"table", "x"}, {"map of string", "{"}, {"string or table", "{x"}})
		STRCMP_EQUAL("refused", of(type, text).c_str());
}
