#include "http/host_check.hpp"

#include <CppUTest/TestHarness.h>

using core::http::HostCheck;

TEST_GROUP(HostCheck)
{
	int status(const char *host, bool is_loopback = true, bool is_required = true)
	{
		const auto checked = hosts.check(host, is_required, is_loopback);
		return checked ? 200 : checked.error().status;
	}
	HostCheck hosts = *HostCheck::parse({"kit.local"});
};

TEST(HostCheck, our_own_names_pass_on_loopback)
{
	for (const char *host : {"127.0.0.1", "127.0.0.1:8092", "[::1]:8092", "[::1]", "localhost", "LOCALHOST:8092", "localhost.", "kit.local", "Kit.Local:80",
			 "192.168.1.5:8092", "kit.local:"})
		LONGS_EQUAL_TEXT(200, status(host), host);
}

TEST(HostCheck, other_names_are_misdirected_on_loopback_alone)
{
	for (const char *host :
		{"evil.example", "evil.example:8092", "localhost.evil.example", "kit.local.evil", "127.0.0.1.evil.example", "akit.local", "0x7f000001", "2130706433"}) {
		LONGS_EQUAL_TEXT(421, status(host), host);
		LONGS_EQUAL_TEXT(200, status(host, false), host);
	}
}

TEST(HostCheck, malformed_ones_are_bad_requests_everywhere)
{
	for (const char *host : {"a b", "a/b", "user@localhost", "localhost:99999", "localhost:x", "[::1", "::1", "localhost:80:80", "[localhost]", ":80", ".",
			 "a,b", "ex\xc3\xa4mple"}) {
		LONGS_EQUAL_TEXT(400, status(host), host);
		LONGS_EQUAL_TEXT(400, status(host, false), host);
	}
	LONGS_EQUAL(400, status(std::string(5000, 'a').c_str()));
}

TEST(HostCheck, http_1_1_needs_one_and_1_0_does_not)
{
	LONGS_EQUAL(400, status(""));
	LONGS_EQUAL(200, status("", true, false));
}

TEST(HostCheck, a_configured_name_must_be_one)
{
	CHECK_FALSE(HostCheck::parse({"http://kit.local"}).has_value());
	CHECK_FALSE(HostCheck::parse({"kit.local:8092"}).has_value());
	CHECK_FALSE(HostCheck::parse({""}).has_value());
}
