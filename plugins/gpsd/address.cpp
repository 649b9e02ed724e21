#include "address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>

namespace gpsd {

socklen_t Address::size() const noexcept { return raw.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6); }

std::vector<Address> literal(const std::string &host, std::uint16_t port)
{
	const bool is_localhost = host == "localhost";
	std::vector<Address> out;
	sockaddr_in v4{};
	if (inet_pton(AF_INET, is_localhost ? "127.0.0.1" : host.c_str(), &v4.sin_addr) == 1) {
		v4.sin_family = AF_INET;
		v4.sin_port = htons(port);
		std::memcpy(&out.emplace_back().raw, &v4, sizeof v4);
	}
	sockaddr_in6 v6{};
	if (inet_pton(AF_INET6, is_localhost ? "::1" : host.c_str(), &v6.sin6_addr) == 1) {
		v6.sin6_family = AF_INET6;
		v6.sin6_port = htons(port);
		std::memcpy(&out.emplace_back().raw, &v6, sizeof v6);
	}
	return out;
}

Resolved look_up(const std::string &host, std::uint16_t port)
{
	Resolved out;
	addrinfo hints{};
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_ADDRCONFIG;
	addrinfo *list = nullptr;
	if (const int e = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list); e != 0) {
		out.error = e == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(e);
		return out;
	}
	for (const addrinfo *a = list; a && out.addresses.size() < 8; a = a->ai_next)
		if (a->ai_family == AF_INET || a->ai_family == AF_INET6) std::memcpy(&out.addresses.emplace_back().raw, a->ai_addr, a->ai_addrlen);
	freeaddrinfo(list);
	if (out.addresses.empty()) out.error = "the name has no address";
	return out;
}

} // namespace gpsd
