// The machine's processes and listening sockets, read from /proc.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ctl {

struct Process {
	pid_t pid;
	std::string name; // as the kernel has it
	uid_t uid;        // effective
	std::set<gid_t> groups;
};

/// Every process whose name is `name`.
[[nodiscard]] std::vector<Process> processes_called(std::string_view name);
/// The words of its command line.
[[nodiscard]] std::vector<std::string> command_line_of(pid_t pid);
/// Who listens on a TCP port: its socket is there at all, and its process where we may see it.
struct Listener {
	std::optional<Process> process;
};
[[nodiscard]] std::optional<Listener> listener_on(std::uint16_t port);

} // namespace ctl
