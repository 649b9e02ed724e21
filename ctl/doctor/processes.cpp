#include "doctor/processes.hpp"

#include <fmt/format.h>

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>

namespace ctl {

namespace {

using File = std::unique_ptr<FILE, int (*)(FILE *)>;
File open(const std::string &path) { return {std::fopen(path.c_str(), "re"), &std::fclose}; }

/// Calls `each` with every number in /proc until it answers false.
void each_pid(const std::function<bool(pid_t)> &each)
{
	const std::unique_ptr<DIR, int (*)(DIR *)> dir(opendir("/proc"), &closedir);
	while (const dirent *entry = dir ? readdir(dir.get()) : nullptr) {
		const std::string_view name = entry->d_name;
		pid_t pid = 0;
		const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
		if (error == std::errc() && end == name.data() + name.size() && !each(pid)) return;
	}
}

std::optional<Process> read_process(pid_t pid)
{
	const File file = open(fmt::format("/proc/{}/status", pid));
	Process out{pid, {}, 0, {}};
	std::array<char, 1024> line{};
	while (file && std::fgets(line.data(), line.size(), file.get())) {
		std::string_view text(line.data());
		while (text.ends_with('\n')) text.remove_suffix(1);
		unsigned real = 0, effective = 0;
		if (text.starts_with("Name:\t")) out.name = text.substr(6);
		else if (std::sscanf(line.data(), "Uid: %u %u", &real, &effective) == 2) out.uid = effective;
		else if (std::sscanf(line.data(), "Gid: %u %u", &real, &effective) == 2) out.groups.insert(effective);
		else if (text.starts_with("Groups:"))
			for (const char *at = line.data() + 7; *at;) {
				while (*at == ' ' || *at == '\t' || *at == '\n') ++at;
				gid_t group = 0;
				const auto [end, error] = std::from_chars(at, line.data() + text.size(), group);
				if (error != std::errc()) break;
				out.groups.insert(group);
				at = end;
			}
	}
	return out.name.empty() ? std::nullopt : std::optional(std::move(out));
}

/// The inodes of sockets that listen on the port.
std::set<std::uint64_t> sockets_on(std::uint16_t port)
{
	std::set<std::uint64_t> out;
	for (const char *table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
		const File file = open(table);
		std::array<char, 1024> line{};
		while (file && std::fgets(line.data(), line.size(), file.get())) {
			unsigned local = 0, state = 0;
			std::uint64_t inode = 0;
			constexpr unsigned listening = 0x0a;
			if (std::sscanf(line.data(), " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*d %*d %" SCNu64, &local, &state, &inode) != 3) continue;
			if (local == port && state == listening) out.insert(inode);
		}
	}
	return out;
}

bool holds_any(pid_t pid, const std::set<std::uint64_t> &sockets)
{
	const std::string folder = fmt::format("/proc/{}/fd", pid);
	const std::unique_ptr<DIR, int (*)(DIR *)> dir(opendir(folder.c_str()), &closedir);
	while (const dirent *entry = dir ? readdir(dir.get()) : nullptr) {
		std::array<char, 64> target{};
		const ssize_t n = readlinkat(dirfd(dir.get()), entry->d_name, target.data(), target.size() - 1);
		std::uint64_t inode = 0;
		if (n > 0 && std::sscanf(target.data(), "socket:[%" SCNu64 "]", &inode) == 1 && sockets.contains(inode)) return true;
	}
	return false;
}

} // namespace

std::vector<Process> processes_called(std::string_view name)
{
	std::vector<Process> out;
	each_pid([&](pid_t pid) {
		auto p = read_process(pid);
		if (p && p->name == name.substr(0, 15)) out.push_back(std::move(*p));
		return true;
	});
	return out;
}

std::vector<std::string> command_line_of(pid_t pid)
{
	const File file = open(fmt::format("/proc/{}/cmdline", pid));
	std::array<char, 16384> bytes{};
	const std::size_t n = file ? std::fread(bytes.data(), 1, bytes.size(), file.get()) : 0;
	std::vector<std::string> out;
	for (std::size_t i = 0; i < n; i += out.back().size() + 1) out.emplace_back(bytes.data() + i, strnlen(bytes.data() + i, n - i));
	return out;
}

std::optional<Listener> listener_on(std::uint16_t port)
{
	const auto sockets = sockets_on(port);
	if (sockets.empty()) return {};
	Listener out;
	each_pid([&](pid_t pid) {
		if (holds_any(pid, sockets)) out.process = read_process(pid);
		return !out.process;
	});
	return out;
}

} // namespace ctl
