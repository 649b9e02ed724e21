// What the machine and this process use: read from /proc, /sys and the file system. Blocks, so it runs on a worker.
#pragma once
#include <cstdint>
#include <string>

namespace dashboard {

/// Counters as the kernel has them; NaN or -1 where it has none.
struct Machine {
	double load = -1;
	double busy = -1, total = -1;                                         // jiffies of all processors since the start
	double process_seconds = -1;                                          // processor time of this process
	double temperature = -300;                                            // °C, of the hottest zone
	std::int64_t memory_total = -1, memory_available = -1, resident = -1; // bytes
	std::int64_t disk_total = -1, disk_free = -1;                         // bytes, of the file system that holds `folder`
	double uptime = -1;                                                   // s, of the machine
	std::int64_t read_at_ns = 0;                                          // steady clock when all was read: how long the loop took to take it is its lag
};

[[nodiscard]] Machine read_machine(const std::string &folder);
[[nodiscard]] std::int64_t steady_ns() noexcept;

} // namespace dashboard
