#include "http/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace core::http {

namespace {
constexpr std::array<std::uint8_t, 12> v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/// inet_pton wants a terminated text.
template<typename T> bool to_binary(int family, std::string_view text, T &out) noexcept
{
	char copy[INET6_ADDRSTRLEN];
	if (text.size() >= sizeof copy || text.find('\0') != std::string_view::npos) return false;
	copy[text.copy(copy, text.size())] = '\0';
	return inet_pton(family, copy, &out) == 1;
}
} // namespace

std::optional<Address> Address::parse(std::string_view text) noexcept
{
	if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
		text = text.substr(1, text.size() - 2);
		if (text.find(':') == std::string_view::npos) return {};
	}
	Address out;
	in_addr v4{};
	if (to_binary(AF_INET, text, v4)) {
		std::ranges::copy(v4_prefix, out.octets.begin());
		std::memcpy(out.octets.data() + v4_prefix.size(), &v4, sizeof v4);
		return out;
	}
	if (const std::size_t zone = text.find('%'); zone != std::string_view::npos) text = text.substr(0, zone);
	in6_addr v6{};
	if (!to_binary(AF_INET6, text, v6)) return {};
	std::memcpy(out.octets.data(), &v6, sizeof v6);
	return out;
}

std::optional<Address> Address::of(const sockaddr *address) noexcept
{
	Address out;
	if (address->sa_family == AF_INET) {
		sockaddr_in v4{};
		std::memcpy(&v4, address, sizeof v4);
		std::ranges::copy(v4_prefix, out.octets.begin());
		std::memcpy(out.octets.data() + v4_prefix.size(), &v4.sin_addr, sizeof v4.sin_addr);
		return out;
	}
	if (address->sa_family != AF_INET6) return {};
	sockaddr_in6 v6{};
	std::memcpy(&v6, address, sizeof v6);
	std::memcpy(out.octets.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
	return out;
}

bool Address::is_v4() const noexcept { return std::equal(v4_prefix.begin(), v4_prefix.end(), octets.begin()); }

bool Address::is_loopback() const noexcept
{
	if (is_v4()) return octets[12] == 127;
	constexpr std::array<std::uint8_t, 16> one{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
	return octets == one;
}

Address Address::cut(unsigned bits) const noexcept
{
	Address out = *this;
	for (std::size_t i = 0; i < out.octets.size(); ++i) {
		const unsigned before = static_cast<unsigned>(i) * 8;
		const unsigned kept = bits > before ? std::min(bits - before, 8U) : 0;
		out.octets[i] = static_cast<std::uint8_t>(out.octets[i] & (0xff00U >> kept));
	}
	return out;
}

std::string Address::text() const
{
	char out[INET6_ADDRSTRLEN];
	if (is_v4()) inet_ntop(AF_INET, octets.data() + v4_prefix.size(), out, sizeof out);
	else inet_ntop(AF_INET6, octets.data(), out, sizeof out);
	return out;
}

std::optional<Network> Network::parse(std::string_view text) noexcept
{
	const std::size_t slash = text.find('/');
	const auto base = Address::parse(text.substr(0, slash));
	if (!base) return {};
	if (slash == std::string_view::npos) return Network(*base, 128);
	const std::string_view digits = text.substr(slash + 1);
	unsigned bits = 0;
	const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
	if (problem != std::errc() || end != digits.data() + digits.size()) return {};
	// "::ffff:0:0/96" is written in 128 bits, "192.0.2.0/24" in 32.
	const bool is_dotted = base->is_v4() && text.find(':') == std::string_view::npos;
	if (bits > (is_dotted ? 32U : 128U)) return {};
	if (is_dotted) bits += 96;
	return Network(base->cut(bits), bits);
}

} // namespace core::http
