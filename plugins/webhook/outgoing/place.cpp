#include "place.hpp"

#include <fmt/format.h>

#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace webhook::outgoing {

namespace {
/// With an IPv4 address that is written as IPv6 (::ffff:a.b.c.d, 64:ff9b::a.b.c.d) made plain.
Place plain(const Place &p) noexcept
{
	if (p.address.ss_family != AF_INET6) return p;
	sockaddr_in6 v6{};
	std::memcpy(&v6, &p.address, sizeof v6);
	constexpr unsigned char nat64[12]{0, 0x64, 0xff, 0x9b};
	if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && std::memcmp(v6.sin6_addr.s6_addr, nat64, sizeof nat64) != 0) return p;
	sockaddr_in v4{};
	v4.sin_family = AF_INET;
	v4.sin_port = v6.sin6_port;
	std::memcpy(&v4.sin_addr, v6.sin6_addr.s6_addr + 12, 4);
	Place out;
	std::memcpy(&out.address, &v4, sizeof v4);
	out.size = sizeof v4;
	return out;
}

/// Nobody can bind an address of another machine.
bool is_this_machine(const Place &p) noexcept
{
	Place here = p;
	if (here.address.ss_family == AF_INET) reinterpret_cast<sockaddr_in *>(&here.address)->sin_port = 0;
	else reinterpret_cast<sockaddr_in6 *>(&here.address)->sin6_port = 0;
	const int fd = socket(here.address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const bool is_here = fd >= 0 && bind(fd, here.get(), here.size) == 0;
	if (fd >= 0) close(fd);
	return is_here;
}
} // namespace

std::optional<Place> Place::literal(const std::string &host, std::uint16_t port)
{
	addrinfo hints{}, *found = nullptr;
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV; // asks nobody
	hints.ai_socktype = SOCK_STREAM;
	if (getaddrinfo(host.c_str(), fmt::format("{}", port).c_str(), &hints, &found) != 0) return {};
	Place out;
	out.size = std::min<socklen_t>(found->ai_addrlen, sizeof out.address);
	std::memcpy(&out.address, found->ai_addr, out.size);
	freeaddrinfo(found);
	return out;
}

std::string Place::text() const
{
	char out[NI_MAXHOST];
	return getnameinfo(get(), size, out, sizeof out, nullptr, 0, NI_NUMERICHOST) == 0 ? out : "?";
}

std::uint16_t Place::port() const noexcept
{
	return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6 *>(&address)->sin6_port
											   : reinterpret_cast<const sockaddr_in *>(&address)->sin_port);
}

std::string Place::refusal(const Rules &rules) const
{
	const Place p = plain(*this);
	bool is_link_local = false, is_nobody = false;
	if (p.address.ss_family == AF_INET) {
		const auto a = ntohl(reinterpret_cast<const sockaddr_in *>(&p.address)->sin_addr.s_addr);
		is_link_local = a >> 16 == 0xa9fe;          // 169.254.0.0/16
		is_nobody = a >> 24 == 0 || a >> 28 >= 0xe; // "this" network, multicast and beyond
	} else if (p.address.ss_family == AF_INET6) {
		const in6_addr &a = reinterpret_cast<const sockaddr_in6 *>(&p.address)->sin6_addr;
		is_link_local = IN6_IS_ADDR_LINKLOCAL(&a);
		is_nobody = IN6_IS_ADDR_UNSPECIFIED(&a) || IN6_IS_ADDR_MULTICAST(&a);
	} else {
		return "is no internet address";
	}
	if (is_nobody) return fmt::format("{} is nobody's address", text());
	if (is_link_local && !rules.allows_link_local) return fmt::format("{} is a link-local address; outgoing.allow = [\"link-local\"] would let it", text());
	if (!rules.allows_self && rules.own_ports.contains(p.port()) && is_this_machine(p))
		return fmt::format("{} port {} is the daemon's own; outgoing.allow = [\"self\"] would let it", text(), p.port());
	return {};
}

} // namespace webhook::outgoing
