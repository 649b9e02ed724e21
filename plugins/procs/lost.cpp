#include "lost.hpp"

#include "keeper_spawn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <set>
#include <thread>

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace procs {

namespace {
constexpr int empty_sweeps_wanted = 10;
constexpr milliseconds sweep_pause{5}, sweep_limit{10000};
constexpr int connect_tries = 20;

bool has_marker(pid_t pid, const std::string &wanted)
{
	const std::string environment = read_small(fmt::format("/proc/{}/environ", pid), 1 << 20).value_or("");
	for (std::size_t at = 0; (at = environment.find(wanted, at)) != std::string::npos; ++at)
		if ((at == 0 || environment[at - 1] == '\0') && (at + wanted.size() == environment.size() || environment[at + wanted.size()] == '\0')) return true;
	return false;
}

std::uint64_t namespace_of(pid_t pid)
{
	struct stat st {};
	return ::stat(fmt::format("/proc/{}/ns/cgroup", pid).c_str(), &st) == 0 ? st.st_ino : 0;
}

/// Pinned before it is looked at again, so that a number that has been given to another is not hit.
class Sweep {
public:
	explicit Sweep(const LostTree &t)
		: tree(t), wanted(fmt::format("{}={}.{}", marker, t.name, t.nonce)), keeper_line(std::string("keeper\0", 7) + t.folder + '\0')
	{
		if (!tree.pin && tree.cgns != 0) pin_by_a_member();
	}

	unsigned once()
	{
		unsigned sent = 0;
		std::set<pid_t> seen;
		for (const pid_t pid : all_processes()) {
			if (pid <= 1 || pid == ::getpid() || !is_hit(pid)) continue;
			for (const pid_t member : tree_of(pid))
				if (seen.insert(member).second) sent += kill(member, member == pid);
		}
		return sent;
	}

private:
	/// The number alone may be another namespace's by now: what is found by it must be held by one that is surely of the tree.
	void pin_by_a_member()
	{
		for (const pid_t pid : all_processes()) {
			if (!is_main(pid) && !has_marker(pid, wanted)) continue;
			own_pin = pin_namespace(pid);
			if (own_pin && number_of(own_pin) == tree.cgns && (is_main(pid) || has_marker(pid, wanted))) return;
			own_pin.reset();
		}
	}

	bool is_main(pid_t pid) const
	{
		if (pid != tree.main.pid) return false;
		const auto s = stat_of(pid);
		return s && s->start == tree.main.start;
	}

	bool is_hit(pid_t pid) const
	{
		if (is_main(pid) || is_keeper(pid)) return true;
		const UniqueFd &pin = tree.pin ? *tree.pin : own_pin;
		return (pin && namespace_of(pid) == number_of(pin)) || has_marker(pid, wanted);
	}

	/// One that was about to start the command, or that does not answer.
	bool is_keeper(pid_t pid) const { return read_small(fmt::format("/proc/{}/cmdline", pid), 4096) == keeper_line; }

	unsigned kill(pid_t pid, bool is_marked) const
	{
		if (pid <= 1 || pid == ::getpid()) return 0;
		const UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
		if (!fd) return 0;
		const auto s = stat_of(pid);
		if (!s || s->state == 'Z' || s->state == 'X' || (is_marked && !is_hit(pid))) return 0;
		return ::syscall(SYS_pidfd_send_signal, fd.get(), SIGKILL, nullptr, 0) == 0 ? 1 : 0;
	}

	const LostTree &tree;
	const std::string wanted, keeper_line;
	UniqueFd own_pin;
};

void kill_cgroup(const std::string &cgroup)
{
	const UniqueFd fd(::open((cgroup + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
	if (fd) (void)!::write(fd.get(), "1", 1);
}

unsigned count_in(const std::string &cgroup)
{
	const std::string list = read_small(cgroup + "/cgroup.procs", 1 << 20).value_or("");
	return static_cast<unsigned>(std::ranges::count(list, '\n'));
}

bool reap_if_child(pid_t pid) noexcept
{
	siginfo_t info{};
	return pid > 1 && ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG) == 0 && info.si_pid == pid;
}

/// Connects to the keeper's socket; its listener must be the process that id names.
bool connect_to(FoundKeeper &k)
{
	const UniqueFd folder(::open(k.folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
	sockaddr_un address{};
	address.sun_family = AF_UNIX;
	std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/s", folder.get()); // longer paths than a socket's 108 bytes
	for (int i = 0; i < connect_tries; ++i) {
		UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
		if (::connect(fd.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0) {
			if (errno != EAGAIN) return false; // its queue is full: somebody asks again and again
			std::this_thread::sleep_for(sweep_pause);
			continue;
		}
		ucred who{};
		socklen_t size = sizeof who;
		if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || (who.uid != 0 && who.uid != ::geteuid()) || who.pid != k.id.keeper.pid)
			return false;
		k.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, who.pid, 0)));
		k.socket = std::move(fd);
		return true;
	}
	return false;
}

std::optional<FoundKeeper> look_at(const std::string &folder, const std::string &entry)
{
	FoundKeeper k;
	k.folder = folder;
	k.name = entry.substr(0, entry.rfind('.'));
	const std::string spec = read_small(folder + "/spec", KEEP_SPEC_MAX).value_or("");
	const auto id = parse_id(read_small(folder + "/id").value_or(""));
	if (!from_hex(spec_value(spec, "nonce"), k.nonce) || spec_value(spec, "name") != k.name || spec_value(spec, "boot") != boot_id()) return {};
	if (id) k.id = *id;
	if (const auto ended = parse_exit(read_small(folder + "/exit").value_or(""))) {
		if (id && connect_to(k)) k.kind = FoundKeeper::Kind::alive; // it waits to be asked
		else k.kind = FoundKeeper::Kind::ended;
		k.ended = *ended;
		if (k.kind == FoundKeeper::Kind::ended && id) reap_if_child(id->keeper.pid);
		return k;
	}
	if (!id) return k; // killed before it could say who it is
	k.kind = connect_to(k) ? FoundKeeper::Kind::alive : FoundKeeper::Kind::lost;
	return k;
}
} // namespace

UniqueFd pin_namespace(pid_t pid)
{
	UniqueFd fd(::open(fmt::format("/proc/{}/ns/cgroup", pid).c_str(), O_RDONLY | O_CLOEXEC));
	static const std::uint64_t ours = namespace_of(::getpid());
	if (fd && number_of(fd) == ours) fd.reset();
	return fd;
}

std::uint64_t number_of(const UniqueFd &pin) noexcept
{
	struct stat st {};
	return pin && ::fstat(pin.get(), &st) == 0 ? st.st_ino : 0;
}

LostEnd end_lost_tree(const LostTree &tree)
{
	LostEnd end;
	const auto until = std::chrono::steady_clock::now() + sweep_limit;
	reap_if_child(tree.keeper.pid);
	if (!tree.cgroup.empty()) {
		end.killed = count_in(tree.cgroup);
		kill_cgroup(tree.cgroup);
	}
	Sweep sweep(tree);
	unsigned last = 0;
	for (int empty = 0; empty < empty_sweeps_wanted && std::chrono::steady_clock::now() < until;) {
		last = sweep.once();
		end.killed = std::max(end.killed, last);
		empty = last == 0 ? empty + 1 : 0;
		std::this_thread::sleep_for(sweep_pause);
	}
	for (int i = 0; i < 100 && !tree.cgroup.empty() && count_in(tree.cgroup) > 0; ++i) std::this_thread::sleep_for(sweep_pause);
	end.text = fmt::format("its keeper was killed; {} of its processes were found and ended", end.killed);
	if (last != 0) end.text += ", and some are left: they are born faster than they can be ended, or hang";
	return end;
}

std::vector<FoundKeeper> scan_keepers(const std::string &keep_dir)
{
	std::vector<FoundKeeper> found;
	DIR *dir = ::opendir(keep_dir.c_str());
	if (!dir) return found;
	while (const dirent *e = ::readdir(dir)) {
		const std::string entry = e->d_name, folder = keep_dir + "/" + entry;
		struct stat st {};
		if (entry.front() == '.' || entry.rfind('.') == std::string::npos || ::lstat(folder.c_str(), &st) != 0 || !S_ISDIR(st.st_mode)) continue;
		if (st.st_uid != ::geteuid() && st.st_uid != 0) continue; // not ours
		if (auto k = look_at(folder, entry)) found.push_back(std::move(*k));
		else remove_folder(folder, "");
	}
	::closedir(dir);
	return found;
}

} // namespace procs
