// The machine's own figures, as the contract's `system` has them.
#pragma once
#include <patchbay/patchbay.hpp>

#include <memory>
#include <string>

namespace webhook {

/// Of bytes. total 0: unknown.
struct Space {
	double total = 0, free = 0, used = 0, percentage = 0;
};

/// What lies on disks is read by a worker: at the start, and when an older reading is asked for.
class Machine final {
public:
	/// config_dir: told of as services.kismet.configPath where it is there.
	Machine(pb::Scope &scope, std::string config_dir);

	/// `system`: hostname, platform, arch, uptime, loadAverage, memory, disk.
	[[nodiscard]] pb::Json json();
	[[nodiscard]] bool has_config_dir() const noexcept { return disk.has_config_dir; }
	/// Bytes; 0: unknown.
	[[nodiscard]] double memory_total() noexcept;

private:
	struct Disk {
		Space space;
		bool has_config_dir = false;
	};
	void look();

	pb::Scope &scope;
	const std::string config_dir;
	Disk disk;
	bool is_looking = false;
	double total = 0;
	std::chrono::steady_clock::time_point looked_at{};
};

/// Resident and virtual bytes of this process.
[[nodiscard]] pb::Json own_memory();
/// Seconds since this process started.
[[nodiscard]] double own_uptime();

} // namespace webhook
