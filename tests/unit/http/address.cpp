#include "http/address.hpp"

#include <CppUTest/TestHarness.h>

#include <netinet/in.h>

using core::http::Address;
using core::http::Network;

namespace {
std::string round(const char *text)
{
	const auto a = Address::parse(text);
	return a ? a->text() : "none";
}
bool within(const char *network, const char *address) { return Network::parse(network)->contains(*Address::parse(address)); }
} // namespace

TEST_GROUP(Address){};

TEST(Address, mapped_ipv4_is_written_as_ipv4)
{
	STRCMP_EQUAL("192.0.2.7", round("::ffff:192.0.2.7").c_str());
	STRCMP_EQUAL("192.0.2.7", round("::FFFF:c000:207").c_str());
	STRCMP_EQUAL("192.0.2.7", round("192.0.2.7").c_str());
	CHECK(Address::parse("::ffff:192.0.2.7") == Address::parse("192.0.2.7"));
}

TEST(Address, ipv6_is_written_in_its_shortest_form)
{
	STRCMP_EQUAL("2001:db8::1", round("2001:0DB8:0:0:0:0:0:1").c_str());
	STRCMP_EQUAL("::1", round("[::1]").c_str());
	STRCMP_EQUAL("fe80::1", round("fe80::1%eth0").c_str());
}

TEST(Address, what_is_no_address_is_refused)
{
	for (const char *text :
		{"", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", "[1.2.3.4]", "[::1", "::1]", ":::", "0x7f.1", "%eth0", "1.2.3.4/8"})
		CHECK_FALSE_TEXT(Address::parse(text).has_value(), text);
	CHECK_FALSE(Address::parse(std::string_view("127.0.0.1\0x", 11)).has_value());
	CHECK_FALSE(Address::parse(std::string(1000, '1')).has_value());
}

TEST(Address, loopback_is_known_in_both_families)
{
	for (const char *text : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"}) CHECK_TEXT(Address::parse(text)->is_loopback(), text);
	for (const char *text : {"128.0.0.1", "0.0.0.0", "::", "::2", "192.0.2.1"}) CHECK_FALSE_TEXT(Address::parse(text)->is_loopback(), text);
}

TEST(Address, sockaddrs_are_read)
{
	sockaddr_in v4{};
	v4.sin_family = AF_INET;
	v4.sin_addr.s_addr = htonl(0x0a000001);
	STRCMP_EQUAL("10.0.0.1", Address::of(reinterpret_cast<sockaddr *>(&v4))->text().c_str());
	sockaddr_in6 v6{};
	v6.sin6_family = AF_INET6;
	v6.sin6_addr.s6_addr[15] = 1;
	STRCMP_EQUAL("::1", Address::of(reinterpret_cast<sockaddr *>(&v6))->text().c_str());
	const sockaddr local{AF_UNIX, {}};
	CHECK_FALSE(Address::of(&local).has_value());
}

TEST(Address, networks_contain_what_shares_their_prefix)
{
	CHECK(within("10.0.0.0/8", "10.255.1.2"));
	CHECK_FALSE(within("10.0.0.0/8", "11.0.0.0"));
	CHECK(within("10.1.2.3/8", "10.0.0.1")); // host bits are let go
	CHECK(within("192.0.2.1", "192.0.2.1"));
	CHECK_FALSE(within("192.0.2.1", "192.0.2.2"));
	CHECK(within("192.0.2.128/25", "192.0.2.200"));
	CHECK_FALSE(within("192.0.2.128/25", "192.0.2.100"));
	CHECK(within("0.0.0.0/0", "8.8.8.8"));
	CHECK_FALSE(within("0.0.0.0/0", "2001:db8::1"));
	CHECK(within("::/0", "8.8.8.8"));
	CHECK(within("2001:db8::/32", "2001:db8:1::5"));
	CHECK_FALSE(within("2001:db8::/32", "2001:db9::5"));
	CHECK(within("::ffff:0:0/96", "192.0.2.1"));
}

TEST(Address, what_is_no_network_is_refused)
{
	for (const char *text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/ 8", "host/8", "10.0.0.0/8/8"})
		CHECK_FALSE_TEXT(Network::parse(text).has_value(), text);
}
