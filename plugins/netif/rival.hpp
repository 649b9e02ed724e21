// Who else uses an interface: the processes that hold a packet socket on it. Walks /proc: for a worker.
#pragma once
#include <patchbay/json.hpp>

#include <string>
#include <vector>

namespace netif {

struct Rival {
	int pid = 0;
	std::string command;
};
/// Bounded; sockets bound to all interfaces are left out. Without rights other users' processes are not seen.
[[nodiscard]] std::vector<Rival> find_rivals(int index);
/// [{"pid","command"}]
[[nodiscard]] pb::Json describe(const std::vector<Rival> &rivals);
/// "kismet (PID 12), tcpdump (PID 14)"
[[nodiscard]] std::string name_all(const std::vector<Rival> &rivals);

} // namespace netif
