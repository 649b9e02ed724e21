// Where the daemon is: "http://kit:8092", "kit:8092", "[::1]:8092", "unix:/run/patchbay/http.sock".
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace ctl {

struct Target {
	std::string base;      // what paths are put behind: "http://127.0.0.1:8092"
	std::string unix_path; // empty: TCP
	std::string text;      // as people write it
};

/// Throws Failure(bad_usage).
[[nodiscard]] Target parse_target(std::string_view text);
/// Where nobody said: the socket of the installation, if it is there, then this machine's port.
[[nodiscard]] std::vector<Target> usual_targets();

/// A path's part or a query's value, with everything but letters, digits and "-._~" as %XX.
[[nodiscard]] std::string escaped(std::string_view part);

} // namespace ctl
