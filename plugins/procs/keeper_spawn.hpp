// From settings to a running keeper, on a worker: user, folder, spec, posix_spawn.
#pragma once
#include "keeper_link.hpp"
#include "record.hpp"
#include "runner.hpp"

namespace procs {

struct SpawnJob {
	ProcessSettings settings; // copies: a worker reads them
	Paths paths;
	std::string name;
	Extra extra;
	Nonce nonce;
};

struct Spawned {
	UniqueFd socket, pidfd;
	pid_t keeper = 0;
	std::string folder, cgroup;
	int step = 0, error = 0; // as in keeper/protocol.h
	std::string why;         // not empty: it did not come to a keeper
};

[[nodiscard]] Spawned spawn_keeper(const SpawnJob &job);
[[nodiscard]] std::string folder_of(const Paths &paths, const std::string &name, const Nonce &nonce);
[[nodiscard]] std::string log_of(const Paths &paths, const std::string &name);

/// Why a start failed, for people: what was tried, on what, what to do.
[[nodiscard]] std::string explain(int step, int error, const ProcessSettings &settings, const std::string &name);
void remove_folder(const std::string &folder, const std::string &cgroup) noexcept;

} // namespace procs
