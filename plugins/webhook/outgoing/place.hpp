// An address that a name stands for, and whether a delivery may go there. Asked of the very address that is connected to, so
// that a name which changes its mind (DNS rebinding) reaches nothing that its first answer would not have reached.
#pragma once
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace webhook::outgoing {

/// What the settings allow, and the ports on which the daemon itself listens.
struct Rules {
	bool allows_link_local = false, allows_self = false;
	std::set<std::uint16_t> own_ports;
};

struct Place {
	sockaddr_storage address{};
	socklen_t size = 0;

	/// Of an address that is written, not a name.
	[[nodiscard]] static std::optional<Place> literal(const std::string &host, std::uint16_t port);
	[[nodiscard]] const sockaddr *get() const noexcept { return reinterpret_cast<const sockaddr *>(&address); }
	/// "192.0.2.1", "fe80::1%wlan0"
	[[nodiscard]] std::string text() const;
	[[nodiscard]] std::uint16_t port() const noexcept;
	/// Why not; "": it may.
	[[nodiscard]] std::string refusal(const Rules &rules) const;
};

} // namespace webhook::outgoing
