#include "http/http_date.hpp"

#include <CppUTest/TestHarness.h>

using core::http::http_date;
using core::http::parse_http_date;

TEST_GROUP(HttpDate){};

TEST(HttpDate, there_and_back)
{
	STRCMP_EQUAL("Sun, 06 Nov 1994 08:49:37 GMT", http_date(784111777).c_str());
	for (const std::time_t t : {std::time_t{0}, std::time_t{784111777}, std::time_t{951782400}, std::time_t{4102444799}})
		CHECK(parse_http_date(http_date(t)) == t);
}

TEST(HttpDate, other_forms_are_none)
{
	for (const char *text : {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08-49-37 GMT",
			 "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nix 1994 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT",
			 "Sun, 6  Nov 1994 08:49:37 GMT"})
		CHECK_FALSE_TEXT(parse_http_date(text).has_value(), text);
}
