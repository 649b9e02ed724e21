// What a keeper's folder holds (keeper/protocol.h): spec to write, id and exit to read.
#pragma once
#include "identity.hpp"
#include "settings.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace procs {

/// How a process ended.
struct Ended {
	int code = -1, signal = 0; // code -1 and signal 0: unknown
	std::int64_t began_ms = 0, ended_ms = 0;
	unsigned killed = 0;     // processes that needed SIGKILL
	std::uint64_t lost = 0;  // log lines
	int step = 0, error = 0; // where the start failed, errno
	[[nodiscard]] bool is_known() const noexcept { return code >= 0 || signal != 0; }
};

struct Id {
	Identity keeper, main;
	std::string boot, cgroup; // cgroup empty: none
	std::uint64_t cgns = 0;
	std::int64_t began_ms = 0;
};

[[nodiscard]] std::optional<Id> parse_id(std::string_view text);
[[nodiscard]] std::optional<Ended> parse_exit(std::string_view text);

/// All that a spec needs beside the settings.
struct Launch {
	std::string name, nonce;            // nonce: 32 hex digits
	std::vector<std::string> arguments; // beyond the command's
	std::map<std::string, std::string> environment;
	std::string log, cgroup, folder; // folder: the keeper's
	bool own_namespace = false;
	struct User {
		uid_t uid;
		gid_t gid;
		std::vector<gid_t> groups;
		std::string name, home, shell;
	};
	std::optional<User> user;
};
/// The spec; or empty with `why` where it would be too long or hold a NUL.
[[nodiscard]] std::string make_spec(const ProcessSettings &settings, const Launch &launch, std::string &why);
/// A value of a spec: the first of that key.
[[nodiscard]] std::string spec_value(std::string_view spec, std::string_view key);

/// The marker in the environment of a tree: found again where its keeper was killed.
inline constexpr std::string_view marker = "PATCHBAY_KEEP";

} // namespace procs
