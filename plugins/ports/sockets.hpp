// Who listens, as the kernel says: TCP that listens and UDP that is bound and not connected, by sock_diag, else by /proc/net.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ports {

enum class Protocol : std::uint8_t { tcp, udp };
[[nodiscard]] constexpr const char *word(Protocol p) noexcept { return p == Protocol::tcp ? "tcp" : "udp"; }

struct Address {
	bool is_v6 = false;
	std::array<std::uint8_t, 16> bytes{}; // the first four of IPv4
	auto operator<=>(const Address &) const = default;
	[[nodiscard]] bool is_wildcard() const noexcept;
	/// ::ffff:a.b.c.d as a.b.c.d.
	[[nodiscard]] Address unmapped() const noexcept;
	[[nodiscard]] std::string text() const;
	[[nodiscard]] static std::optional<Address> parse(const std::string &text);
};

struct Socket {
	Protocol protocol = Protocol::tcp;
	Address address;
	std::uint16_t port = 0;
	bool is_v6_only = false; // of "::": does not serve IPv4
	std::uint32_t uid = 0;
	std::uint64_t inode = 0;
	std::uint32_t device = 0; // bound to this interface alone; 0: any
	auto operator<=>(const Socket &) const = default;
};

/// Would two of them stand in each other's way? Same protocol and port, and the same address or a wildcard, which in IPv6
/// counts for IPv4 as well unless it is for IPv6 alone.
[[nodiscard]] bool collide(const Socket &a, const Socket &b) noexcept;

/// What read_sockets() found; why: what could not be read ("unknown" is never "free"), "" nothing.
struct Sockets {
	std::vector<Socket> all; // bounded
	std::string why;
};
/// Blocks a little: for a worker.
[[nodiscard]] Sockets read_sockets();

/// Parts, for tests: an answer of sock_diag, and a table of /proc/net.
void parse_answer(std::string_view bytes, Protocol protocol, std::vector<Socket> &into, bool &is_done, int &error);
void parse_table(std::string_view text, Protocol protocol, bool is_v6, std::vector<Socket> &into);

} // namespace ports
