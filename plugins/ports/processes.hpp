// Which processes hold which sockets, by walking /proc/*/fd. What was found is kept by inode; the walk is done again only for
// sockets that are not known, or whose holders have ended. Blocks: for a worker, one at a time.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace ports {

struct Process {
	int pid = 0;
	std::string command;   // /proc/PID/comm
	std::string program;   // the script of an interpreter, else the program's own file name
	std::string container; // short id, "" none
	unsigned long long start = 0;
	[[nodiscard]] bool is_called(const std::string &name) const;
};

/// Holders of one socket: a forked listener has many of them.
struct Holders {
	std::vector<Process> processes; // lowest PIDs first, bounded
	std::size_t count = 0;          // of all
};

class Processes final {
public:
	/// Holders by inode; inodes whose holders cannot be seen are left out. afresh: nothing that is known counts.
	[[nodiscard]] std::map<std::uint64_t, Holders> find(const std::set<std::uint64_t> &inodes, bool afresh);

private:
	void walk(const std::set<std::uint64_t> &inodes);
	std::map<std::uint64_t, Holders> known;
};

/// Parts, for tests.
[[nodiscard]] std::string container_of(const std::string &cgroup);
[[nodiscard]] std::string program_of(const std::string &cmdline);

} // namespace ports
