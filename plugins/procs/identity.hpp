// Who a process is: boot id, PID and start time. A PID alone may be anybody's by now; what is signalled is pinned first.
#pragma once
#include "fd.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace procs {

struct Identity {
	pid_t pid = 0;
	std::uint64_t start = 0; // ticks since boot, as in /proc/PID/stat
	bool operator==(const Identity &) const = default;
	explicit operator bool() const noexcept { return pid > 1; }
};

/// What /proc/PID/stat says. The name in it may hold anything, also ") S 1 (".
struct Stat {
	char state = '?';
	pid_t parent = 0;
	std::uint64_t user_ticks = 0, system_ticks = 0, start = 0;
};
[[nodiscard]] std::optional<Stat> parse_stat(std::string_view text) noexcept;
[[nodiscard]] std::optional<Stat> stat_of(pid_t pid);

/// A small file, at most `limit` bytes of it; empty where it cannot be read. Does not follow a link, wait at a pipe.
[[nodiscard]] std::optional<std::string> read_small(const std::string &path, std::size_t limit = 65536);

[[nodiscard]] const std::string &boot_id();
/// Seconds since boot at which a process with this start time began, and unix ms of that now.
[[nodiscard]] double seconds_since_start(std::uint64_t start) noexcept;

/// A descriptor that pins the process, where it still is that one; else none.
[[nodiscard]] UniqueFd pin(const Identity &who);
/// Through a pinned descriptor; 0 or errno.
[[nodiscard]] int send_signal(const Identity &who, int number);
[[nodiscard]] bool is_alive(const Identity &who); // a zombie is not

/// `root` and all below it. /proc/PID/task/TID/children where the kernel has it, else a scan.
[[nodiscard]] std::vector<pid_t> tree_of(pid_t root);
/// All numbers in /proc.
[[nodiscard]] std::vector<pid_t> all_processes();

} // namespace procs
