// IP addresses and networks as values: one form for IPv4, IPv6 and IPv4 in IPv6, so that comparing is comparing bytes.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;

namespace core::http {

/// An IPv4 address is kept as ::ffff:a.b.c.d and written as a.b.c.d.
class Address final {
public:
	Address() = default; // ::
	/// "192.0.2.1", "2001:db8::1", "[2001:db8::1]", "::ffff:192.0.2.1", "fe80::1%eth0" (the zone is dropped). No names.
	[[nodiscard]] static std::optional<Address> parse(std::string_view text) noexcept;
	/// Nothing for another family than IPv4 and IPv6.
	[[nodiscard]] static std::optional<Address> of(const sockaddr *address) noexcept;

	[[nodiscard]] bool is_v4() const noexcept;
	[[nodiscard]] bool is_loopback() const noexcept; // 127.0.0.0/8, ::1
	/// With all bits behind the first `bits` (of 128) cleared.
	[[nodiscard]] Address cut(unsigned bits) const noexcept;
	[[nodiscard]] std::string text() const;
	[[nodiscard]] const std::array<std::uint8_t, 16> &bytes() const noexcept { return octets; }
	auto operator<=>(const Address &) const = default;

private:
	std::array<std::uint8_t, 16> octets{};
};

/// "192.0.2.0/24", "2001:db8::/32", or an address alone.
class Network final {
public:
	[[nodiscard]] static std::optional<Network> parse(std::string_view text) noexcept;
	[[nodiscard]] bool contains(const Address &a) const noexcept { return a.cut(bits) == base; }

private:
	Network(Address base_, unsigned bits_) noexcept : base(base_), bits(bits_) {}
	Address base;
	unsigned bits; // of 128
};

} // namespace core::http
