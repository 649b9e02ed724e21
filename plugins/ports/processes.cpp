#include "processes.hpp"

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

namespace ports {

namespace {
constexpr std::size_t most_kept = 8; // processes of one socket
constexpr std::size_t comm_size = 15;

std::string read_proc(const std::string &path)
{
	std::array<char, 4096> text{};
	const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
	if (fd < 0) return {};
	const ssize_t n = ::read(fd, text.data(), text.size());
	::close(fd);
	return {text.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
}

std::string_view base_name(std::string_view path) noexcept
{
	const std::size_t slash = path.rfind('/');
	return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

unsigned long long start_of(int pid)
{
	const std::string stat = read_proc(fmt::format("/proc/{}/stat", pid));
	std::size_t at = stat.rfind(')'); // the name before it may hold anything
	for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
	unsigned long long out = 0;
	if (at != std::string::npos) std::from_chars(stat.data() + at + 1, stat.data() + stat.size(), out);
	return out;
}

Process describe(int pid)
{
	Process out;
	out.pid = pid;
	out.start = start_of(pid);
	const std::string comm = read_proc(fmt::format("/proc/{}/comm", pid));
	out.command = comm.substr(0, comm.find('\n'));
	out.program = program_of(read_proc(fmt::format("/proc/{}/cmdline", pid)));
	out.container = container_of(read_proc(fmt::format("/proc/{}/cgroup", pid)));
	return out;
}

std::optional<std::uint64_t> socket_inode(std::string_view target) noexcept
{
	static constexpr std::string_view prefix = "socket:[";
	std::uint64_t out = 0;
	if (!target.starts_with(prefix) || std::from_chars(target.data() + prefix.size(), target.data() + target.size(), out).ec != std::errc())
		return std::nullopt;
	return out;
}

/// Those of `inodes` that a process holds.
std::set<std::uint64_t> sockets_of(const std::string &folder, const std::set<std::uint64_t> &inodes)
{
	std::set<std::uint64_t> out;
	DIR *open = ::opendir(folder.c_str());
	if (!open) return out;
	while (const dirent *entry = ::readdir(open)) {
		std::array<char, 64> target{};
		const ssize_t n = ::readlinkat(::dirfd(open), entry->d_name, target.data(), target.size());
		const auto inode = n > 0 ? socket_inode({target.data(), static_cast<std::size_t>(n)}) : std::nullopt;
		if (inode && inodes.contains(*inode)) out.insert(*inode);
	}
	::closedir(open);
	return out;
}

std::vector<int> all_pids()
{
	std::vector<int> out;
	DIR *open = ::opendir("/proc");
	if (!open) return out;
	while (const dirent *entry = ::readdir(open)) {
		const std::string_view name = entry->d_name;
		int pid = 0;
		if (std::from_chars(name.data(), name.data() + name.size(), pid).ec == std::errc()) out.push_back(pid);
	}
	::closedir(open);
	std::ranges::sort(out);
	return out;
}
} // namespace

std::string container_of(const std::string &cgroup)
{
	// "…/docker-<64 hex>.scope", "…/docker/<64 hex>", "…/libpod-<64 hex>.scope", "…/<64 hex>": what all runtimes share is the id.
	std::size_t run = 0;
	for (std::size_t i = 0; i <= cgroup.size(); ++i) {
		const char c = i < cgroup.size() ? cgroup[i] : '\0';
		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) {
			++run;
			continue;
		}
		if (run == 64) return cgroup.substr(i - 64, 12);
		run = 0;
	}
	return {};
}

std::string program_of(const std::string &cmdline)
{
	static constexpr std::array<std::string_view, 7> interpreters{"python", "bash", "sh", "dash", "perl", "node", "ruby"};
	std::string_view rest = cmdline;
	const auto take = [&] {
		const std::string_view word = rest.substr(0, rest.find('\0'));
		rest.remove_prefix(std::min(word.size() + 1, rest.size()));
		return word;
	};
	const std::string_view own = base_name(take());
	std::string_view bare = own; // python3.11
	while (!bare.empty() && ((bare.back() >= '0' && bare.back() <= '9') || bare.back() == '.')) bare.remove_suffix(1);
	if (std::ranges::find(interpreters, bare) == interpreters.end()) return std::string(own.substr(0, 128));
	while (!rest.empty()) {
		const std::string_view word = take();
		if (word == "-m") return std::string(take().substr(0, 128));
		if (word == "-c" || word == "-e") break;
		if (!word.empty() && word.front() != '-') return std::string(base_name(word).substr(0, 128));
	}
	return std::string(own.substr(0, 128));
}

bool Process::is_called(const std::string &name) const
{
	return command == name.substr(0, comm_size) || program == name; // comm is cut at 15 bytes
}

std::map<std::uint64_t, Holders> Processes::find(const std::set<std::uint64_t> &inodes, bool afresh)
{
	std::erase_if(known, [&](const auto &k) {
		if (afresh || !inodes.contains(k.first)) return true;
		return std::ranges::any_of(k.second.processes, [](const Process &p) { return start_of(p.pid) != p.start; });
	});
	std::set<std::uint64_t> unknown;
	for (const std::uint64_t inode : inodes) {
		if (inode != 0 && !known.contains(inode)) unknown.insert(inode);
	}
	if (!unknown.empty()) walk(unknown);
	return known;
}

void Processes::walk(const std::set<std::uint64_t> &inodes)
{
	for (const int pid : all_pids()) {
		const auto held = sockets_of(fmt::format("/proc/{}/fd", pid), inodes);
		if (held.empty()) continue;
		const Process process = describe(pid);
		for (const std::uint64_t inode : held) {
			Holders &h = known[inode];
			++h.count;
			if (h.processes.size() < most_kept) h.processes.push_back(process);
		}
	}
}

} // namespace ports
