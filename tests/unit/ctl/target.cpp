#include "http/target.hpp"
#include "failure.hpp"

#include <CppUTest/TestHarness.h>

using ctl::escaped, ctl::parse_target;

TEST_GROUP(target){static bool is_refused(const char *text){try {(void)parse_target(text);
return false;
}
catch (const ctl::Failure &f) { return f.exit == ctl::bad_usage; }
}
}
;

TEST(target, every_form_has_its_base)
{
	STRCMP_EQUAL("http://kit:8092", parse_target("kit").base.c_str());
	STRCMP_EQUAL("http://kit:81", parse_target("kit:81").base.c_str());
	STRCMP_EQUAL("http://[::1]:8092", parse_target("::1").base.c_str());
	STRCMP_EQUAL("http://[::1]:8092", parse_target("[::1]").base.c_str());
	STRCMP_EQUAL("http://[::1]:81", parse_target("[::1]:81").base.c_str());
	STRCMP_EQUAL("https://kit/a", parse_target("https://kit/a/").base.c_str());
	STRCMP_EQUAL("/run/x.sock", parse_target("unix:/run/x.sock").unix_path.c_str());
}

TEST(target, what_is_none_is_refused)
{
	for (const char *text : {"", "unix:", "a b", "http://", "http:///x", "kit:0", "kit:65536", "kit:x", ":81", "a/b", "user@kit", "kit?x", "kit#x", "a\nb"})
		CHECK_TEXT(is_refused(text), text);
}

TEST(target, a_path_part_is_escaped)
{
	STRCMP_EQUAL("plain-._~9", escaped("plain-._~9").c_str());
	STRCMP_EQUAL("a%2Fb%20c%3F%26%C3%BC%00", escaped(std::string_view("a/b c?&ü\0", 10)).c_str());
	STRCMP_EQUAL("%2E.", escaped("..").c_str());
}
