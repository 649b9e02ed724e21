// Where a host is: addresses and localhost at once, names on a worker.
#pragma once
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gpsd {

struct Address {
	sockaddr_storage raw{};
	[[nodiscard]] const sockaddr *get() const noexcept { return reinterpret_cast<const sockaddr *>(&raw); }
	[[nodiscard]] socklen_t size() const noexcept;
};

struct Resolved {
	std::vector<Address> addresses;
	std::string error; // why there are none
};

/// Of "127.0.0.1", "::1" and "localhost"; empty: it is a name, to be looked up.
[[nodiscard]] std::vector<Address> literal(const std::string &host, std::uint16_t port);
/// Blocks. At most 8 addresses.
[[nodiscard]] Resolved look_up(const std::string &host, std::uint16_t port);

} // namespace gpsd
