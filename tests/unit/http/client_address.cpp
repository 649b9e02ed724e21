#include "http/client_address.hpp"

#include <CppUTest/TestHarness.h>

using core::http::Address;
using core::http::TrustedProxies;

TEST_GROUP(ClientAddress)
{
	std::string client(const char *peer, const char *forwarded_for, const char *real_ip = "")
	{
		const auto address = *peer ? Address::parse(peer) : std::nullopt;
		const auto found = proxies.client(address, forwarded_for, real_ip);
		return found ? found->text() : "none";
	}
	TrustedProxies proxies = *TrustedProxies::parse({"127.0.0.1", "10.0.0.0/8", "fd00::/8"});
};

TEST(ClientAddress, a_stranger_cannot_claim_another_address)
{
	STRCMP_EQUAL("192.0.2.1", client("192.0.2.1", "203.0.113.9", "203.0.113.9").c_str());
	STRCMP_EQUAL("192.0.2.1", client("::ffff:192.0.2.1", "203.0.113.9").c_str());
}

TEST(ClientAddress, a_trusted_proxy_names_the_client)
{
	STRCMP_EQUAL("203.0.113.9", client("127.0.0.1", "203.0.113.9").c_str());
	STRCMP_EQUAL("203.0.113.9", client("10.1.1.1", " 203.0.113.9 , 10.0.0.2").c_str());
	STRCMP_EQUAL("203.0.113.9", client("fd00::7", "::ffff:203.0.113.9").c_str());
	STRCMP_EQUAL("203.0.113.9", client("127.0.0.1", "203.0.113.9:4711").c_str());
	STRCMP_EQUAL("2001:db8::1", client("127.0.0.1", "\"[2001:db8::1]:4711\"").c_str());
	STRCMP_EQUAL("2001:db8::1", client("127.0.0.1", "2001:db8::1").c_str());
}

TEST(ClientAddress, real_ip_serves_where_forwarded_for_does_not)
{
	STRCMP_EQUAL("203.0.113.9", client("127.0.0.1", "", "203.0.113.9").c_str());
	STRCMP_EQUAL("203.0.113.9", client("127.0.0.1", "unknown", "203.0.113.9").c_str());
	STRCMP_EQUAL("198.51.100.1", client("127.0.0.1", "198.51.100.1", "203.0.113.9").c_str());
}

TEST(ClientAddress, nonsense_from_a_proxy_leaves_the_peer)
{
	for (const char *text : {"unknown", "_hidden", "1.2.3.4.5", "1.2.3.4:port", "<script>", ",", "[::1", "1:2:3:4711"})
		STRCMP_EQUAL_TEXT("127.0.0.1", client("127.0.0.1", text).c_str(), text);
}

TEST(ClientAddress, a_unix_socket_is_a_proxy_only_where_configured)
{
	STRCMP_EQUAL("none", client("", "203.0.113.9").c_str());
	proxies = *TrustedProxies::parse({"unix"});
	STRCMP_EQUAL("203.0.113.9", client("", "203.0.113.9").c_str());
	STRCMP_EQUAL("127.0.0.1", client("127.0.0.1", "203.0.113.9").c_str());
}

TEST(ClientAddress, a_wrong_entry_is_named)
{
	const auto parsed = TrustedProxies::parse({"127.0.0.1", "proxy.local"});
	CHECK_FALSE(parsed.has_value());
	STRCMP_CONTAINS("proxy.local", parsed.error().text.c_str());
}
