#include "strangers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <limits.h>
#include <unistd.h>

namespace procs {

namespace {
std::string executable_of(pid_t pid)
{
	std::array<char, PATH_MAX> path;
	const ssize_t n = ::readlink(fmt::format("/proc/{}/exe", pid).c_str(), path.data(), path.size());
	std::string out(path.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
	if (out.ends_with(" (deleted)")) out.resize(out.size() - 10); // it was upgraded since
	return out;
}

std::string real_path(const std::string &path)
{
	std::array<char, PATH_MAX> out;
	return ::realpath(path.c_str(), out.data()) ? out.data() : path;
}
} // namespace

bool is_match(const Adopt &rule, std::string_view executable, std::string_view command_line)
{
	if (!rule.executable.empty() && rule.executable != executable) return false;
	std::size_t at = 0;
	for (const std::string &wanted : rule.arguments) {
		for (;;) {
			if (at >= command_line.size()) return false;
			const std::size_t end = std::min(command_line.find('\0', at), command_line.size());
			const bool is_it = command_line.substr(at, end - at) == wanted;
			at = end + 1;
			if (is_it) break;
		}
	}
	return true;
}

Identity find_stranger(const Adopt &given, const std::vector<pid_t> &kept)
{
	Adopt rule = given;
	if (!rule.executable.empty()) rule.executable = real_path(rule.executable);
	std::map<pid_t, Stat> matches;
	std::set<pid_t> ours;
	for (const pid_t root : kept)
		for (const pid_t pid : tree_of(root)) ours.insert(pid);
	for (const pid_t pid : all_processes()) {
		if (pid <= 1 || pid == ::getpid() || ours.contains(pid)) continue;
		if (!is_match(rule, executable_of(pid), read_small(fmt::format("/proc/{}/cmdline", pid), 1 << 20).value_or(""))) continue;
		if (const auto s = stat_of(pid); s && s->state != 'Z') matches.emplace(pid, *s);
	}
	Identity oldest;
	for (const auto &[pid, s] : matches)
		if (!matches.contains(s.parent) && (!oldest || s.start < oldest.start)) oldest = {pid, s.start};
	return oldest;
}

} // namespace procs
