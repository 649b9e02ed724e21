#include "config/listen.hpp"

#include <CppUTest/TestHarness.h>

using core::config::listen_flaw;

TEST_GROUP(listen){};

TEST(listen, addresses_with_ports_and_unix_paths)
{
	for (const char *good : {"127.0.0.1:8092", "0.0.0.0:0", "[::1]:8092", "[::]:65535", "unix:/run/patchbay/http.sock", "192.0.2.1:80"})
		STRCMP_EQUAL("", listen_flaw(good).c_str());
}

TEST(listen, what_is_wrong_is_told)
{
	for (const char *bad : {"", "8092", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:8092x", "localhost:8092", ":8092", "*:8092",
			 "::1:8092", "[::1]", "[::1:8092", "[x]:1", "unix:", "unix:relative", "http://127.0.0.1:8092", "300.0.0.1:80", "127.0.0.1:0x10"})
		CHECK_TEXT(!listen_flaw(bad).empty(), bad);
	CHECK(!listen_flaw("unix:/" + std::string(200, 'a')).empty());
}
