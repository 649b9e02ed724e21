// What is wrong, by what the daemon says of itself, and what a person can do about it.
#pragma once
#include <patchbay/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace ctl {

struct Wrong {
	bool is_severe;
	std::string text, advice; // as they came: not harmless yet
};

/// The daemon's answers by name: plugins, http, gps, kismet, processes, interfaces, ports, recovery. What is missing is not judged.
using Parts = std::map<std::string, pb::Json>;
[[nodiscard]] std::vector<Wrong> wrong_with(const Parts &parts);

} // namespace ctl
