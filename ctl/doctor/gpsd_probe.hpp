// A short look at gpsd itself: is it there, what has it opened, what time does it have.
#pragma once
#include <patchbay/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace ctl {

struct GpsdDevice {
	std::string path;
	bool is_open; // gpsd says since when it is active
};

struct GpsdLook {
	std::string failure; // why it cannot be reached; empty: it was
	bool is_gpsd = false, has_told_devices = false;
	std::vector<GpsdDevice> devices;
	std::optional<double> clock_ahead; // seconds that this machine's clock is ahead of the receiver's
};

/// Connects, watches, and leaves once all is known, after 4 s at the latest.
[[nodiscard]] GpsdLook look_at_gpsd(const std::string &host, const std::string &port);

} // namespace ctl
