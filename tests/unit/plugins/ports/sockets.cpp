// Sockets as the kernel has them, held by this very test, and the rules of who stands in whose way.
#include "ports/sockets.hpp"

#include <CppUTest/TestHarness.h>

#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

using namespace ports;

namespace {
Socket at(const char *address, std::uint16_t port = 80, bool is_v6_only = false, Protocol protocol = Protocol::tcp)
{
	Socket s;
	s.protocol = protocol;
	s.address = *Address::parse(address);
	s.port = port;
	s.is_v6_only = is_v6_only;
	return s;
}

/// A real one, on a port of the kernel's choice.
struct Open {
	Open(const char *address, int type, bool is_v6_only = false)
	{
		const Address a = *Address::parse(address);
		sockaddr_storage where{};
		socklen_t size = 0;
		if (a.is_v6) {
			auto *six = reinterpret_cast<sockaddr_in6 *>(&where);
			six->sin6_family = AF_INET6;
			std::memcpy(&six->sin6_addr, a.bytes.data(), 16);
			size = sizeof *six;
		} else {
			auto *four = reinterpret_cast<sockaddr_in *>(&where);
			four->sin_family = AF_INET;
			std::memcpy(&four->sin_addr, a.bytes.data(), 4);
			size = sizeof *four;
		}
		fd = ::socket(where.ss_family, type | SOCK_CLOEXEC, 0);
		const int only = is_v6_only;
		if (a.is_v6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
		CHECK(::bind(fd, reinterpret_cast<sockaddr *>(&where), size) == 0);
		if (type == SOCK_STREAM) CHECK(::listen(fd, 1) == 0);
		size = sizeof where;
		::getsockname(fd, reinterpret_cast<sockaddr *>(&where), &size);
		port = ntohs(reinterpret_cast<sockaddr_in *>(&where)->sin_port); // at the same place in both
	}
	~Open() { ::close(fd); }
	Open(const Open &) = delete;
	Open &operator=(const Open &) = delete;
	int fd;
	std::uint16_t port;
};

const Socket *find(const std::vector<Socket> &all, std::uint16_t port, Protocol protocol)
{
	const auto i = std::ranges::find_if(all, [&](const Socket &s) { return s.port == port && s.protocol == protocol; });
	return i == all.end() ? nullptr : &*i;
}
} // namespace

TEST_GROUP(ports_sockets){};

TEST(ports_sockets, tcp_that_listens_and_udp_that_is_bound_are_seen)
{
	const Open tcp("127.0.0.1", SOCK_STREAM), udp("0.0.0.0", SOCK_DGRAM), six("::1", SOCK_STREAM), wild("::", SOCK_STREAM), only("::", SOCK_STREAM, true),
		udp6("::", SOCK_DGRAM);
	const Sockets all = read_sockets();
	STRCMP_EQUAL("", all.why.c_str());
	STRCMP_EQUAL("127.0.0.1", find(all.all, tcp.port, Protocol::tcp)->address.text().c_str());
	STRCMP_EQUAL("0.0.0.0", find(all.all, udp.port, Protocol::udp)->address.text().c_str());
	STRCMP_EQUAL("::1", find(all.all, six.port, Protocol::tcp)->address.text().c_str());
	CHECK(!find(all.all, wild.port, Protocol::tcp)->is_v6_only);
	CHECK(find(all.all, only.port, Protocol::tcp)->is_v6_only);
	CHECK(find(all.all, udp6.port, Protocol::udp) != nullptr);
	CHECK(find(all.all, tcp.port, Protocol::tcp)->inode != 0);
	LONGS_EQUAL(::getuid(), find(all.all, tcp.port, Protocol::tcp)->uid);
}

TEST(ports_sockets, what_is_closed_is_gone)
{
	std::uint16_t port = 0;
	{
		const Open tcp("127.0.0.1", SOCK_STREAM);
		port = tcp.port;
		CHECK(find(read_sockets().all, port, Protocol::tcp) != nullptr);
	}
	CHECK(find(read_sockets().all, port, Protocol::tcp) == nullptr);
}

TEST(ports_sockets, the_old_tables_are_read)
{
	std::vector<Socket> all;
	parse_table("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
				"   0: 0100007F:0B83 00000000:0000 0A 00000000:00000000 00:00000000 00000000   110        0 1234 1 0000000000000000 100 0 0 10 0\n"
				"   1: 0100007F:9C40 0100007F:0B83 01 00000000:00000000 00:00000000 00000000     0        0 99 1 0 20 4 30 10 -1\n"
				"   2: broken\n"
				"   3: 0100007F:0B84 00000000:0000 0A 00000000:0000",
		Protocol::tcp, false, all);
	LONGS_EQUAL(1, all.size());
	LONGS_EQUAL(2947, all[0].port);
	LONGS_EQUAL(110, all[0].uid);
	LONGS_EQUAL(1234, all[0].inode);
	STRCMP_EQUAL("127.0.0.1", all[0].address.text().c_str());
	all.clear();
	parse_table(
		"head\n   0: 00000000000000000000000001000000:38B6 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000  0 0 5 2 0 0\n",
		Protocol::udp, true, all);
	LONGS_EQUAL(14518, all.at(0).port);
	STRCMP_EQUAL("::1", all[0].address.text().c_str());
	parse_table("", Protocol::udp, true, all);
}

TEST(ports_sockets, an_answer_that_is_cut_or_lies_does_no_harm)
{
	std::string junk(200, '\xff');
	for (std::size_t size = 0; size < junk.size(); ++size) {
		for (const unsigned length : {0U, 15U, 16U, 20U, 88U, 199U, 4000000000U}) {
			std::string bytes = junk.substr(0, size);
			if (size >= 4) std::memcpy(bytes.data(), &length, 4);
			const std::vector<char> exact(bytes.begin(), bytes.end()); // its own end, for the sanitizer
			std::vector<Socket> into;
			bool is_done = false;
			int error = 0;
			parse_answer({exact.data(), exact.size()}, Protocol::tcp, into, is_done, error);
		}
	}
}

TEST(ports_sockets, who_stands_in_whose_way)
{
	struct Case {
		Socket a, b;
		bool is_so;
	};
	const Case cases[] = {
		{at("127.0.0.1"), at("127.0.0.1"), true},
		{at("127.0.0.1"), at("10.0.0.1"), false},
		{at("0.0.0.0"), at("10.0.0.1"), true},
		{at("127.0.0.1", 80), at("127.0.0.1", 81), false},
		{at("::"), at("0.0.0.0"), true},
		{at("::"), at("127.0.0.1"), true},
		{at("::", 80, true), at("0.0.0.0"), false},
		{at("::1"), at("0.0.0.0"), false},
		{at("::1"), at("::"), true},
		{at("::ffff:127.0.0.1"), at("127.0.0.1"), true},
		{at("::ffff:127.0.0.1"), at("0.0.0.0"), true},
		{at("::ffff:127.0.0.1"), at("::1"), false},
		{at("127.0.0.1", 80, false, Protocol::udp), at("127.0.0.1"), false},
	};
	int i = 0;
	for (const Case &c : cases) {
		LONGS_EQUAL_TEXT(c.is_so, collide(c.a, c.b), std::to_string(i).c_str());
		LONGS_EQUAL_TEXT(c.is_so, collide(c.b, c.a), std::to_string(i).c_str());
		++i;
	}
	Socket a = at("0.0.0.0"), b = at("0.0.0.0");
	a.device = 2;
	CHECK(collide(a, b));
	b.device = 3; // each bound to an interface of its own
	CHECK(!collide(a, b));
}

/// The rule against the kernel itself: where it says EADDRINUSE, we say so too.
TEST(ports_sockets, the_rule_is_the_kernels)
{
	for (const auto &[first, second] : {std::pair{"0.0.0.0", "127.0.0.1"}, {"127.0.0.1", "127.0.0.2"}, {"::", "127.0.0.1"}, {"::1", "127.0.0.1"}, {"::", "::1"},
			 {"::ffff:127.0.0.1", "127.0.0.1"}}) {
		const Open held(first, SOCK_STREAM);
		const Address a = *Address::parse(second);
		sockaddr_in6 six{};
		sockaddr_in four{};
		six.sin6_family = AF_INET6;
		four.sin_family = AF_INET;
		six.sin6_port = four.sin_port = htons(held.port);
		std::memcpy(&six.sin6_addr, a.bytes.data(), 16);
		std::memcpy(&four.sin_addr, a.bytes.data(), 4);
		const int fd = ::socket(a.is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		const int status = a.is_v6 ? ::bind(fd, reinterpret_cast<sockaddr *>(&six), sizeof six) : ::bind(fd, reinterpret_cast<sockaddr *>(&four), sizeof four);
		const bool is_refused = status < 0 && errno == EADDRINUSE;
		::close(fd);
		LONGS_EQUAL_TEXT(is_refused, collide(*find(read_sockets().all, held.port, Protocol::tcp), at(second, held.port)), second);
	}
}
