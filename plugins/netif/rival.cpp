#include "rival.hpp"

#include "files.hpp"

#include <fmt/format.h>

#include <dirent.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <set>

namespace netif {

namespace {
constexpr std::size_t most_rivals = 16;

/// "socket:[N]" of the packet sockets bound to the interface.
std::set<std::string> sockets_of(int index)
{
	std::set<std::string> out;
	const std::string table = read_proc("/proc/net/packet", 1U << 20);
	std::size_t at = table.find('\n');
	while (at != std::string::npos && at + 1 < table.size()) {
		const std::size_t end = table.find('\n', at + 1);
		const std::string line = table.substr(at + 1, end - at - 1);
		int bound = 0;
		unsigned long long inode = 0;
		// sk RefCnt Type Proto Iface R Rmem User Inode
		if (std::sscanf(line.c_str(), "%*s %*s %*s %*s %d %*s %*s %*s %llu", &bound, &inode) == 2 && bound == index)
			out.insert(fmt::format("socket:[{}]", inode));
		at = end;
	}
	return out;
}

bool holds_one_of(const std::string &folder, const std::set<std::string> &sockets)
{
	DIR *open = ::opendir(folder.c_str());
	if (!open) return false;
	bool is_found = false;
	while (const dirent *entry = is_found ? nullptr : ::readdir(open)) {
		std::array<char, 64> target{};
		const ssize_t n = ::readlinkat(::dirfd(open), entry->d_name, target.data(), target.size());
		is_found = n > 0 && sockets.contains(std::string(target.data(), static_cast<std::size_t>(n)));
	}
	::closedir(open);
	return is_found;
}
} // namespace

std::vector<Rival> find_rivals(int index)
{
	std::vector<Rival> out;
	const auto sockets = sockets_of(index);
	DIR *open = sockets.empty() ? nullptr : ::opendir("/proc");
	if (!open) return out;
	while (const dirent *entry = out.size() < most_rivals ? ::readdir(open) : nullptr) {
		const std::string name = entry->d_name;
		int pid = 0;
		if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
		if (pid != ::getpid() && holds_one_of("/proc/" + name + "/fd", sockets)) out.push_back({pid, command_of(pid)});
	}
	::closedir(open);
	return out;
}

pb::Json describe(const std::vector<Rival> &rivals)
{
	pb::Json out = pb::Json::array();
	for (const Rival &r : rivals) out.push({{"pid", r.pid}, {"command", r.command}});
	return out;
}

std::string name_all(const std::vector<Rival> &rivals)
{
	std::string out;
	for (const Rival &r : rivals) out += fmt::format("{}{} (PID {})", out.empty() ? "" : ", ", r.command, r.pid);
	return out;
}

} // namespace netif
