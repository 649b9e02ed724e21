// Small pieces of outgoing webhooks: where they may go, what may be sent along, when they are tried again.
#include "webhook/outgoing/hook.hpp"
#include "webhook/outgoing/place.hpp"
#include "webhook/outgoing/seen.hpp"
#include "webhook/outgoing/settings.hpp"
#include "webhook/outgoing/sign.hpp"
#include "webhook/outgoing/url.hpp"

#include <CppUTest/TestHarness.h>

using namespace webhook::outgoing;
using namespace std::chrono_literals;

namespace {
Place place(const char *address, std::uint16_t port) { return Place::literal(address, port).value_or(Place{}); }

std::string refusal(const char *address, const Rules &rules = {}) { return place(address, 80).refusal(rules); }
} // namespace

TEST_GROUP(outgoing_url)
{
	std::string flaw;
	std::optional<Url> parse(const char *text) { return Url::parse(text, flaw); }
};

TEST(outgoing_url, is_taken_apart)
{
	const auto u = parse("HTTPS://Kit.Local/a/b?c=d&e");
	CHECK(u.has_value());
	CHECK(u->is_secure);
	STRCMP_EQUAL("kit.local", u->host.c_str());
	LONGS_EQUAL(443, u->port);
	STRCMP_EQUAL("/a/b?c=d&e", u->target.c_str());
	STRCMP_EQUAL("kit.local", u->authority.c_str());
	STRCMP_EQUAL("https://kit.local", u->origin.c_str());
	const auto v6 = parse("http://[2001:db8::1]:8080");
	CHECK(v6.has_value());
	STRCMP_EQUAL("2001:db8::1", v6->host.c_str());
	STRCMP_EQUAL("[2001:db8::1]:8080", v6->authority.c_str());
	STRCMP_EQUAL("/", v6->target.c_str());
}

TEST(outgoing_url, what_is_none_is_refused)
{
	for (const char *bad : {"", "/path", "kit.local", "http://", "http:///x", "file:///etc/passwd", "gopher://x/", "http://a:b@x/", "http://x:0/",
			 "http://x:65536/", "http://x:-1/", "http://x/ y", "http://x/\ty", "http://x/\r\nA: b", "http://x/#f", "http://\xc3\xa4/", "http://[::1",
			 "http://[]/", "javascript:alert(1)"})
		CHECK_FALSE_TEXT(parse(bad).has_value(), bad);
}

TEST_GROUP(outgoing_header){};

TEST(outgoing_header, framing_is_the_daemons_own)
{
	for (const char *name : {"Host", "host", "Content-Length", "TRANSFER-ENCODING", "Connection", "X-Webhook-Id", "x-webhook-signature", "Proxy-Authorization",
			 "", "a b", "a:b", "a\r\nb"})
		CHECK_TEXT(!flaw_of_header(name, "v").empty(), name);
	for (const char *value : {"a\r\nb: c", "a\nb", "\x01", "a\x7f"}) CHECK(!flaw_of_header("X-Kit", value).empty());
	CHECK(!flaw_of_header("X-Kit", std::string(5000, 'a')).empty());
	for (const char *name : {"X-Kit", "Authorization", "Content-Type", "Accept"}) STRCMP_EQUAL("", flaw_of_header(name, "text; a=\"b\"").c_str());
}

TEST(outgoing_header, what_sounds_like_a_secret_is_one)
{
	for (const char *name : {"Authorization", "X-API-Key", "x-auth-token", "Cookie", "X-Secret"}) CHECK_TEXT(is_secret_header(name), name);
	for (const char *name : {"X-Kit", "Accept", "Content-Type"}) CHECK_TEXT(!is_secret_header(name), name);
}

TEST_GROUP(outgoing_place){};

TEST(outgoing_place, link_local_and_nobody_are_refused)
{
	for (const char *address : {"169.254.169.254", "169.254.0.1", "::ffff:169.254.1.1", "64:ff9b::a9fe:101", "fe80::1", "febf::1", "0.0.0.0", "0.1.2.3",
			 "::", "224.0.0.1", "255.255.255.255", "ff02::1", "::ffff:0.0.0.0"})
		CHECK_TEXT(!refusal(address).empty(), address);
	for (const char *address : {"127.0.0.1", "10.0.0.1", "192.168.1.1", "169.253.0.1", "169.255.0.1", "::1", "2001:db8::1", "fd00::1", "fec0::1"})
		STRCMP_EQUAL_TEXT("", refusal(address).c_str(), address);
	const Rules open{true, false, {}};
	STRCMP_EQUAL("", refusal("169.254.1.1", open).c_str());
	CHECK(!refusal("0.0.0.0", open).empty());
}

TEST(outgoing_place, a_name_is_no_address)
{
	for (const char *name : {"localhost", "kit.local", "", "1.2.3", "[::1]", "1.2.3.4.5"})
		if (const auto p = Place::literal(name, 80)) STRCMP_EQUAL_TEXT("1.2.0.3", p->text().c_str(), name); // inet_aton's short form
	LONGS_EQUAL(80, place("::1", 80).port());
	STRCMP_EQUAL("::1", place("::1", 80).text().c_str());
}

TEST(outgoing_place, the_daemons_own_ports_on_this_machine_are_refused)
{
	const Rules rules{false, false, {80, 8092}};
	for (const char *address : {"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"}) CHECK_TEXT(!refusal(address, rules).empty(), address);
	STRCMP_EQUAL("", refusal("192.0.2.1", rules).c_str()); // of nobody here
	STRCMP_EQUAL("", place("127.0.0.1", 81).refusal(rules).c_str());
	const Rules open{false, true, {80}};
	STRCMP_EQUAL("", refusal("127.0.0.1", open).c_str());
}

TEST_GROUP(outgoing_wait){};

TEST(outgoing_wait, grows_from_the_first_to_the_longest)
{
	Settings s{};
	s.tries = 10;
	s.first_retry = 1s;
	s.longest_retry = 1h;
	CHECK(wait_after(1, s) == 1s);
	CHECK(wait_after(9, s) == 1h);
	for (int n = 1; n < 9; ++n) CHECK(wait_after(n, s) < wait_after(n + 1, s));
	CHECK(wait_after(1000, s) == 1h);
	s.tries = 1;
	CHECK(wait_after(1, s) == 1s);
	s.longest_retry = 10ms; // shorter than the first: never shorter than that
	CHECK(wait_after(5, s) == 1s);
}

TEST_GROUP(outgoing_sign){};

TEST(outgoing_sign, is_the_hmac_of_the_body)
{
	// RFC 4231, test case 2.
	STRCMP_EQUAL("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", signature("Jefe", "what do ya want for nothing?").c_str());
	const std::string a = random_id("wh_"), b = random_id("wh_");
	LONGS_EQUAL(27, a.size());
	CHECK(a != b && a.starts_with("wh_"));
}

TEST_GROUP(outgoing_seen){};

TEST(outgoing_seen, each_is_new_once_and_the_oldest_is_forgotten)
{
	Seen seen(3);
	for (const char *k : {"a", "b", "c"}) CHECK(seen.add(k));
	CHECK(!seen.add("a"));
	CHECK(seen.add("d")); // a goes
	CHECK(seen.add("a"));
	LONGS_EQUAL(3, seen.size());
	CHECK(!seen.add("d") && !seen.add("c"));
}

TEST_GROUP(outgoing_hook){};

TEST(outgoing_hook, is_kept_whole_and_shown_without_secrets)
{
	Hook h;
	h.id = "wh_1";
	h.slot = 3;
	h.url = "https://kit.local/x";
	h.events = {"alert", "incident"};
	h.headers = {{"X-Kit", "7"}, {"Authorization", "Bearer hush"}};
	h.secret = "hush";
	h.created = 1795485607042;
	h.dead = 4;
	h.entry = 17;
	h.tries = 2;
	const pb::Json kept = h.kept();
	const auto again = Hook::from(kept.get());
	CHECK(again.has_value());
	STRCMP_EQUAL(kept.text().c_str(), again->kept().text().c_str());
	STRCMP_EQUAL("hush", again->secret.c_str());
	LONGS_EQUAL(443, again->to.port);
	CHECK(again->wants("alert") && !again->wants("newDevice"));
	CHECK(h.shown().text().find("hush") == std::string::npos);
	for (const char *bad : {"{}", "[]", "null", R"({"id":"wh_1","slot":1,"url":"nonsense"})", R"({"id":"","slot":1,"url":"http://x/"})"})
		CHECK_FALSE_TEXT(Hook::from(pb::Json::parse(bad).get()).has_value(), bad);
}
