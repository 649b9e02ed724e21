// The port table: who should listen, who does, and where two stand in each other's way.
#pragma once
#include "processes.hpp"
#include "sockets.hpp"

#include <patchbay/json.hpp>

namespace ports {

/// A row of the settings.
struct Expected {
	std::string name;
	std::uint16_t port = 0;
	Protocol protocol = Protocol::tcp;
	std::string process; // "a|b": either; "": nobody in particular
	std::optional<Address> address;
};

/// A socket and who holds it.
struct Held {
	Socket socket;
	Holders holders;
	/// One of its holders, or systemd on its behalf (socket activation).
	[[nodiscard]] const Process *expected_by(const std::string &process) const;
	/// {"pid","command","address",…}
	[[nodiscard]] pb::Json json() const;
	/// "nginx (PID 12) on 0.0.0.0"
	[[nodiscard]] std::string text() const;
};

enum class State { ok, free, conflict, unknown /* could not be read */ };

struct Row {
	Expected expected;
	State state = State::free;
	std::vector<Held> held; // the expected one first
	std::string message;    // of a conflict, or why it is unknown
	[[nodiscard]] pb::Json json() const;
};

/// All that was read at one time.
struct Scan {
	std::vector<Held> sockets;
	std::string why; // what could not be read
};
/// Blocks: for a worker.
[[nodiscard]] Scan scan(Processes &processes, bool afresh);

[[nodiscard]] Row judge(const Expected &expected, const Scan &scan);
/// Those that a listener on this address (nothing: any) would collide with.
[[nodiscard]] std::vector<Held> in_the_way(const Expected &expected, const Scan &scan);
[[nodiscard]] bool is_expected(const std::string &process, const Process &holder);

} // namespace ports
