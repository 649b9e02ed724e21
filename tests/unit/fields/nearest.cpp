#include "fields/check.hpp"

#include <CppUTest/TestHarness.h>

using core::fields::nearest;

TEST_GROUP(nearest){};

TEST(nearest, finds_what_was_meant)
{
	const std::vector<std::string_view> keys{"listen", "rate_limit", "rate_limit_loopback", "max_body", "hostnames"};
	STRCMP_EQUAL("listen", nearest("lisen", keys).c_str());
	STRCMP_EQUAL("listen", nearest("listne", keys).c_str());
	STRCMP_EQUAL("listen", nearest("LISTEN", keys).c_str());
	STRCMP_EQUAL("rate_limit", nearest("rate-limit", keys).c_str());
	STRCMP_EQUAL("rate_limit", nearest("ratelimit", keys).c_str());
	STRCMP_EQUAL("hostnames", nearest("hostname", keys).c_str());
	STRCMP_EQUAL("max_body", nearest("maxbdoy", keys).c_str());
}

TEST(nearest, does_not_guess_wildly)
{
	STRCMP_EQUAL("", nearest("zebra", {"listen", "max_body"}).c_str());
	STRCMP_EQUAL("", nearest("", {"listen"}).c_str());
	STRCMP_EQUAL("", nearest("listen", {}).c_str());
	STRCMP_EQUAL("", nearest(std::string(100000, 'a'), {"aaa"}).c_str());
	STRCMP_EQUAL("", nearest("abc", {std::string(100000, 'a')}).c_str());
}
