#include "http/cors.hpp"

#include <CppUTest/TestHarness.h>

using core::http::Cors;
using Verdict = core::http::Cors::Verdict;

TEST_GROUP(Cors)
{
	Verdict judge(const char *origin, const char *host = "127.0.0.1:8092", const char *scheme = "http") { return cors.judge(origin, scheme, host); }
	std::string head(Verdict verdict, const char *origin, bool is_preflight)
	{
		std::string out;
		cors.append(out, verdict, origin, is_preflight);
		return out;
	}
	Cors cors = *Cors::parse({"http://localhost:8000", "https://kit.example"});
};

TEST(Cors, configured_origins_are_listed_whatever_their_spelling)
{
	CHECK(judge("http://localhost:8000") == Verdict::listed);
	CHECK(judge("HTTP://LocalHost:8000") == Verdict::listed);
	CHECK(judge("https://kit.example:443") == Verdict::listed);
	CHECK(judge("https://kit.example") == Verdict::listed);
}

TEST(Cors, near_misses_are_foreign)
{
	for (const char *origin :
		{"http://localhost", "https://localhost:8000", "http://localhost:80000", "http://localhost:8000.evil.example", "http://evil.example", "null",
			"http://kit.example", "https://kit.example.evil", "https://akit.example", "http://localhost:8000/", "garbage", "://", "http://user@localhost:8000"})
		CHECK_TEXT(judge(origin) == Verdict::foreign, origin);
}

TEST(Cors, the_same_site_needs_no_configuration)
{
	cors = Cors();
	CHECK(judge("http://127.0.0.1:8092") == Verdict::same_site);
	CHECK(judge("http://kit.local", "kit.local:80") == Verdict::same_site);
	CHECK(judge("http://kit.local:80", "KIT.local") == Verdict::same_site);
	CHECK(judge("https://kit.local", "kit.local", "https") == Verdict::same_site);
	CHECK(judge("http://[::1]:8092", "[::1]:8092") == Verdict::same_site);
	CHECK(judge("https://127.0.0.1:8092") == Verdict::foreign);
	CHECK(judge("http://127.0.0.1:8093") == Verdict::foreign);
	CHECK(judge("http://127.0.0.1") == Verdict::foreign);
	CHECK(judge("http://127.0.0.1:8092", "") == Verdict::foreign);
	CHECK(judge("null", "null") == Verdict::foreign);
	CHECK(judge("") == Verdict::none);
}

TEST(Cors, a_star_allows_all_but_without_credentials)
{
	cors = *Cors::parse({"*", "http://localhost:8000"});
	CHECK(judge("http://evil.example") == Verdict::any);
	CHECK(judge("null") == Verdict::any);
	CHECK(judge("http://localhost:8000") == Verdict::listed);
	const std::string any = head(Verdict::any, "http://evil.example", false);
	STRCMP_CONTAINS("Access-Control-Allow-Origin: *\r\n", any.c_str());
	CHECK(any.find("Credentials") == std::string::npos);
}

TEST(Cors, a_listed_origin_gets_the_whole_set)
{
	STRCMP_EQUAL("Vary: Origin\r\nAccess-Control-Allow-Origin: http://localhost:8000\r\nAccess-Control-Allow-Credentials: true\r\n"
				 "Access-Control-Allow-Methods: GET, POST, PUT, DELETE, PATCH, OPTIONS\r\n"
				 "Access-Control-Allow-Headers: Content-Type, Authorization, X-API-Key, X-Requested-With, Accept\r\n"
				 "Access-Control-Max-Age: 86400\r\n",
		head(Verdict::listed, "http://localhost:8000", false).c_str());
}

TEST(Cors, a_foreign_origin_gets_none_of_it)
{
	STRCMP_EQUAL("Vary: Origin\r\n", head(Verdict::foreign, "http://evil.example", true).c_str());
	STRCMP_EQUAL("Vary: Origin\r\n", head(Verdict::none, "", false).c_str());
	cors = Cors();
	STRCMP_EQUAL("", head(Verdict::same_site, "http://127.0.0.1:8092", false).c_str());
}

TEST(Cors, an_entry_that_is_no_origin_is_named)
{
	for (const char *entry : {"localhost:8000", "http://localhost:8000/", "http://", "", "http://a b"})
		CHECK_FALSE_TEXT(Cors::parse({entry}).has_value(), entry);
	const auto parsed = Cors::parse({"http://ok", "kit.local"});
	STRCMP_CONTAINS("kit.local", parsed.error().text.c_str());
}
