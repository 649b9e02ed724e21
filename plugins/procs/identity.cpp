#include "identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <ctime>
#include <map>

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace procs {

namespace {
constexpr std::size_t most_processes = 65536;

/// The numbers that a text consists of.
template<typename F> void each_number(std::string_view text, F f)
{
	const char *p = text.data(), *end = p + text.size();
	while (p < end) {
		pid_t n = 0;
		const auto r = std::from_chars(p, end, n);
		if (r.ec == std::errc()) f(n);
		p = r.ptr > p ? r.ptr : p + 1;
	}
}

template<typename F> void each_entry(const std::string &folder, F f)
{
	DIR *dir = ::opendir(folder.c_str());
	if (!dir) return;
	while (const dirent *e = ::readdir(dir)) {
		pid_t n = 0;
		const std::string_view name = e->d_name;
		const auto r = std::from_chars(name.data(), name.data() + name.size(), n);
		if (r.ec == std::errc() && r.ptr == name.data() + name.size()) f(n);
	}
	::closedir(dir);
}

void add_scanned(std::vector<pid_t> &tree)
{
	std::multimap<pid_t, pid_t> children;
	for (const pid_t pid : all_processes())
		if (const auto s = stat_of(pid)) children.emplace(s->parent, pid);
	for (std::size_t i = 0; i < tree.size() && tree.size() < most_processes; ++i) {
		const auto [from, to] = children.equal_range(tree[i]);
		for (auto c = from; c != to; ++c) tree.push_back(c->second);
	}
}
} // namespace

std::optional<Stat> parse_stat(std::string_view text) noexcept
{
	const std::size_t close = text.rfind(')');
	if (close == std::string_view::npos || close + 3 >= text.size()) return {};
	Stat out;
	out.state = text[close + 2];
	const char *p = text.data() + close + 3, *end = text.data() + text.size();
	for (int field = 4; field <= 22; ++field) {
		while (p < end && *p == ' ') ++p;
		std::int64_t n = 0;
		const auto r = std::from_chars(p, end, n);
		if (r.ec != std::errc()) return {};
		p = r.ptr;
		if (field == 4) out.parent = static_cast<pid_t>(n);
		if (field == 14) out.user_ticks = static_cast<std::uint64_t>(n);
		if (field == 15) out.system_ticks = static_cast<std::uint64_t>(n);
		if (field == 22) out.start = static_cast<std::uint64_t>(n);
	}
	return out;
}

std::optional<Stat> stat_of(pid_t pid)
{
	const auto text = read_small(fmt::format("/proc/{}/stat", pid), 4096);
	return text ? parse_stat(*text) : std::nullopt;
}

std::optional<std::string> read_small(const std::string &path, std::size_t limit)
{
	const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
	if (!fd) return {};
	std::string out;
	std::array<char, 4096> buffer;
	while (out.size() < limit) {
		const ssize_t n = ::read(fd.get(), buffer.data(), std::min(buffer.size(), limit - out.size()));
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return {};
		if (n == 0) break;
		out.append(buffer.data(), static_cast<std::size_t>(n));
	}
	return out;
}

const std::string &boot_id()
{
	static const std::string id = [] {
		std::string s = read_small("/proc/sys/kernel/random/boot_id", 64).value_or("");
		while (!s.empty() && s.back() == '\n') s.pop_back();
		return s;
	}();
	return id;
}

double seconds_since_start(std::uint64_t start) noexcept
{
	static const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
	timespec now{};
	::clock_gettime(CLOCK_BOOTTIME, &now); // not the wall clock, which jumps
	const double since = static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9 - static_cast<double>(start) / ticks;
	return since > 0 ? since : 0;
}

UniqueFd pin(const Identity &who)
{
	if (!who) return {};
	UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, who.pid, 0)));
	if (!fd) return {};
	const auto s = stat_of(who.pid); // after opening: what the descriptor pins is what is compared
	if (!s || s->start != who.start) return {};
	return fd;
}

int send_signal(const Identity &who, int number)
{
	const UniqueFd fd = pin(who);
	if (!fd) return ESRCH;
	return ::syscall(SYS_pidfd_send_signal, fd.get(), number, nullptr, 0) == 0 ? 0 : errno;
}

bool is_alive(const Identity &who)
{
	if (!who) return false;
	const auto s = stat_of(who.pid);
	return s && s->start == who.start && s->state != 'Z' && s->state != 'X';
}

std::vector<pid_t> all_processes()
{
	std::vector<pid_t> out;
	each_entry("/proc", [&](pid_t pid) {
		if (out.size() < most_processes) out.push_back(pid);
	});
	return out;
}

std::vector<pid_t> tree_of(pid_t root)
{
	static const bool has_children_files = ::access("/proc/thread-self/children", R_OK) == 0;
	std::vector<pid_t> tree{root};
	if (!has_children_files) {
		add_scanned(tree);
		return tree;
	}
	for (std::size_t i = 0; i < tree.size() && tree.size() < most_processes; ++i) {
		const pid_t pid = tree[i];
		each_entry(fmt::format("/proc/{}/task", pid), [&](pid_t thread) { // each lists only what it has forked itself
			if (const auto text = read_small(fmt::format("/proc/{}/task/{}/children", pid, thread), 1 << 20))
				each_number(*text, [&](pid_t child) { tree.push_back(child); });
		});
	}
	return tree;
}

} // namespace procs
