#include "http/auth.hpp"

#include <CppUTest/TestHarness.h>

#include <unistd.h>

using core::http::Address;
using core::http::Auth;
using core::http::Caller;
using core::http::hash_token;
using core::http::TokenHash;

TEST_GROUP(Auth)
{
	core::config::Core::Auth settings() const
	{
		core::config::Core::Auth s{};
		s.mode = "token";
		s.tokens = {
			{"eye", hash_token("viewer-token"), "viewer"}, {"ops", hash_token("operator-token"), "operator"}, {"root", hash_token("admin-token"), "admin"}};
		return s;
	}
	int ask(const char *authorization, int needed, const char *api_key = "", std::optional<uid_t> peer = {}, const char *client = "192.0.2.1")
	{
		refusal = auth->check({Address::parse(client), peer, authorization, api_key}, needed, caller, now);
		return refusal ? refusal.status : 200;
	}
	std::unique_ptr<Auth> auth = std::move(*Auth::make(settings()));
	Auth::Refusal refusal;
	Caller caller;
	core::http::RateLimit::Clock::time_point now{std::chrono::hours(1)};
};

TEST(Auth, a_role_may_do_what_lesser_roles_may)
{
	LONGS_EQUAL(200, ask("Bearer viewer-token", PB_VIEWER));
	LONGS_EQUAL(403, ask("Bearer viewer-token", PB_OPERATOR));
	LONGS_EQUAL(200, ask("Bearer operator-token", PB_VIEWER));
	LONGS_EQUAL(200, ask("Bearer operator-token", PB_OPERATOR));
	LONGS_EQUAL(403, ask("Bearer operator-token", PB_ADMIN));
	LONGS_EQUAL(200, ask("Bearer admin-token", PB_ADMIN));
	STRCMP_EQUAL("root", caller.name);
	LONGS_EQUAL(PB_ADMIN, caller.role);
}

TEST(Auth, the_api_key_header_serves_as_well)
{
	LONGS_EQUAL(200, ask("", PB_OPERATOR, "operator-token"));
	STRCMP_EQUAL("ops", caller.name);
	LONGS_EQUAL(200, ask("bearer   operator-token ", PB_OPERATOR));
	LONGS_EQUAL(200, ask("Basic b3BzOm9wcw==", PB_OPERATOR, "operator-token"));
}

TEST(Auth, without_a_token_there_is_a_challenge)
{
	LONGS_EQUAL(401, ask("", PB_VIEWER));
	STRCMP_EQUAL("Bearer realm=\"patchbay\"", refusal.challenge);
	LONGS_EQUAL(401, ask("Bearer ", PB_VIEWER));
	LONGS_EQUAL(401, ask("Bearer viewer-tokenx", PB_VIEWER));
	STRCMP_CONTAINS("invalid_token", refusal.challenge);
	LONGS_EQUAL(401, ask("Bearer viewer-toke", PB_VIEWER));
	LONGS_EQUAL(PB_ROLE_DEFAULT, caller.role);
}

TEST(Auth, public_routes_need_none_and_tell_who_it_is_all_the_same)
{
	LONGS_EQUAL(200, ask("", PB_PUBLIC));
	LONGS_EQUAL(PB_ROLE_DEFAULT, caller.role);
	LONGS_EQUAL(200, ask("Bearer wrong", PB_PUBLIC));
	LONGS_EQUAL(PB_ROLE_DEFAULT, caller.role);
	LONGS_EQUAL(200, ask("Bearer operator-token", PB_PUBLIC));
	LONGS_EQUAL(PB_OPERATOR, caller.role);
}

TEST(Auth, wrong_tokens_are_limited_an_address)
{
	for (int i = 0; i < 10; ++i) LONGS_EQUAL(401, ask("Bearer wrong", PB_VIEWER));
	LONGS_EQUAL(429, ask("Bearer wrong", PB_VIEWER));
	CHECK(refusal.retry_after.count() > 0);
	LONGS_EQUAL(429, ask("Bearer admin-token", PB_VIEWER)); // not even compared
	LONGS_EQUAL(200, ask("Bearer admin-token", PB_VIEWER, "", {}, "192.0.2.2"));
	LONGS_EQUAL(401, ask("", PB_VIEWER)); // no token is no guess
	now += std::chrono::seconds(6);
	LONGS_EQUAL(200, ask("Bearer admin-token", PB_VIEWER));
}

TEST(Auth, mode_none_lets_everybody_do_everything)
{
	core::config::Core::Auth s{};
	s.mode = "none";
	auth = std::move(*Auth::make(s));
	LONGS_EQUAL(200, ask("", PB_ADMIN));
	LONGS_EQUAL(200, ask("Bearer whatever", PB_ADMIN));
}

TEST(Auth, a_unix_peer_is_known_by_its_user)
{
	LONGS_EQUAL(200, ask("", PB_ADMIN, "", uid_t{0}));
	LONGS_EQUAL(200, ask("", PB_ADMIN, "", geteuid()));
	const uid_t other = geteuid() + 12345;
	LONGS_EQUAL(200, ask("", PB_VIEWER, "", other));
	LONGS_EQUAL(403, ask("", PB_OPERATOR, "", other));
	LONGS_EQUAL(200, ask("Bearer operator-token", PB_OPERATOR, "", other)); // a token lifts it
	LONGS_EQUAL(403, ask("Bearer viewer-token", PB_OPERATOR, "", other));
	core::config::Core::Auth s{};
	s.mode = "none";
	auth = std::move(*Auth::make(s));
	LONGS_EQUAL(403, ask("", PB_OPERATOR, "", other));
}

TEST(Auth, no_configured_token_lets_nobody_in)
{
	auto s = settings();
	s.tokens.clear();
	auth = std::move(*Auth::make(s));
	LONGS_EQUAL(401, ask("Bearer x", PB_VIEWER));
	LONGS_EQUAL(401, ask("", PB_VIEWER));
}

TEST(Auth, wrong_settings_are_named)
{
	auto s = settings();
	s.tokens[1].hash = "operator-token";
	const auto by_hash = Auth::make(s);
	STRCMP_CONTAINS("ops", by_hash.error().text.c_str());
	CHECK(by_hash.error().text.find("operator-token") == std::string::npos);
	s = settings();
	s.tokens[1].role = "king";
	const auto by_role = Auth::make(s);
	STRCMP_CONTAINS("king", by_role.error().text.c_str());
}

TEST(Auth, hashes_are_salted_and_only_the_token_fits)
{
	const std::string a = hash_token("token"), b = hash_token("token");
	CHECK(a != b);
	CHECK(TokenHash::parse(a)->is_of("token"));
	CHECK(TokenHash::parse(b)->is_of("token"));
	CHECK_FALSE(TokenHash::parse(a)->is_of("Token"));
	CHECK_FALSE(TokenHash::parse(a)->is_of(""));
	CHECK_FALSE(TokenHash::parse(hash_token(""))->is_of(""));
	for (const char *text :
		{"", "sha256$", "sha256$00$", "sha256$00$abcd", "md5$00$00", "sha256$zz$0000000000000000000000000000000000000000000000000000000000000000",
			"sha256$00$000000000000000000000000000000000000000000000000000000000000000g"})
		CHECK_FALSE_TEXT(TokenHash::parse(text).has_value(), text);
	// The same as anybody can make: printf '%s' "00ff" "secret" | sha256sum
	CHECK(TokenHash::parse("sha256$00ff$be8309953f244b6d34dfbc45a266d02ffe0d55c59cbd83ba548a32d10c1f4b63")->is_of("secret"));
}
