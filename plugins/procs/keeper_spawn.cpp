#include "keeper_spawn.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace procs {

namespace {
constexpr std::size_t socket_path_most = 107;

struct Failure {
	int step, error;
	std::string why;
};

/// Looks the user up. It may ask a server, hence on a worker.
Launch::User find_user(const std::string &user, const std::string &group)
{
	std::array<char, 16384> buffer;
	Launch::User out{::geteuid(), ::getegid(), {}, user, "/", "/bin/sh"};
	passwd entry{}, *found = nullptr;
	if (!user.empty()) {
		const int e = ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
		if (!found) throw Failure{KEEP_STEP_UID, e ? e : ENOENT, fmt::format("user {}: {}", user, e ? std::strerror(e) : "there is no such user")};
		out = {entry.pw_uid, entry.pw_gid, {}, user, entry.pw_dir, entry.pw_shell};
	}
	::group group_entry{}, *found_group = nullptr;
	if (!group.empty()) {
		const int e = ::getgrnam_r(group.c_str(), &group_entry, buffer.data(), buffer.size(), &found_group);
		if (!found_group) throw Failure{KEEP_STEP_GID, e ? e : ENOENT, fmt::format("group {}: {}", group, e ? std::strerror(e) : "there is no such group")};
		out.gid = group_entry.gr_gid;
	}
	int count = 64;
	out.groups.resize(static_cast<std::size_t>(count));
	if (::getgrouplist(out.name.c_str(), out.gid, out.groups.data(), &count) < 0) count = 64;
	out.groups.resize(static_cast<std::size_t>(count));
	return out;
}

void write_spec(const std::string &path, const std::string &spec)
{
	const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
	if (!fd || ::write(fd.get(), spec.data(), spec.size()) != static_cast<ssize_t>(spec.size()))
		throw Failure{KEEP_STEP_SPEC, errno, fmt::format("{}: {}", path, std::strerror(errno))};
}

class SpawnAttributes {
public:
	SpawnAttributes(int control)
	{
		posix_spawnattr_init(&attributes);
		posix_spawn_file_actions_init(&actions);
		sigset_t all, none;
		sigfillset(&all);
		sigemptyset(&none);
		posix_spawnattr_setsigdefault(&attributes, &all); // an ignored SIGPIPE and the loop's mask would be inherited
		posix_spawnattr_setsigmask(&attributes, &none);
		posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
		for (int fd = 0; fd < 3; ++fd) posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
		posix_spawn_file_actions_adddup2(&actions, control, KEEP_CONTROL_FD);
		posix_spawn_file_actions_addclosefrom_np(&actions, KEEP_CONTROL_FD + 1);
	}
	SpawnAttributes(const SpawnAttributes &) = delete;
	SpawnAttributes &operator=(const SpawnAttributes &) = delete;
	~SpawnAttributes()
	{
		posix_spawnattr_destroy(&attributes);
		posix_spawn_file_actions_destroy(&actions);
	}
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_t actions;
};

Launch plan(const SpawnJob &job, const Spawned &out)
{
	Launch l;
	l.name = job.name;
	l.nonce = to_hex(job.nonce);
	l.arguments = job.extra.arguments;
	l.environment = job.extra.environment;
	l.folder = out.folder;
	l.cgroup = out.cgroup;
	l.log = log_of(job.paths, job.name);
	l.own_namespace = ::geteuid() == 0;
	if (!job.settings.user.empty() || !job.settings.group.empty()) l.user = find_user(job.settings.user, job.settings.group);
	return l;
}

void spawn(const SpawnJob &job, Spawned &out)
{
	if (::access(job.paths.keeper.c_str(), X_OK) != 0)
		throw Failure{KEEP_STEP_SPEC, errno, fmt::format("the keeper {}: {}; is the installation whole?", job.paths.keeper, std::strerror(errno))};
	std::string why;
	const std::string spec = make_spec(job.settings, plan(job, out), why);
	if (spec.empty()) throw Failure{KEEP_STEP_SPEC, E2BIG, why};
	if (job.settings.ready.kind == Ready::Kind::notify && out.folder.size() + 2 > socket_path_most)
		throw Failure{KEEP_STEP_SPEC, ENAMETOOLONG,
			fmt::format("the path of its notify socket would be longer than {} bytes: {}/n; choose a shorter keep_dir", socket_path_most, out.folder)};
	if (why = make_folder(job.paths.log_dir, 0755); !why.empty()) throw Failure{KEEP_STEP_SPEC, errno, "log folder " + why};
	if (why = make_folder(out.folder, 0711); !why.empty()) throw Failure{KEEP_STEP_SPEC, errno, "keeper's folder " + why};
	::chmod(out.folder.c_str(), 0711); // whatever the umask
	write_spec(out.folder + "/spec", spec);
	int pair[2];
	if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		throw Failure{KEEP_STEP_SPEC, errno, fmt::format("socketpair: {}", std::strerror(errno))};
	out.socket.reset(pair[0]);
	UniqueFd theirs(pair[1]);
	if (theirs.get() == KEEP_CONTROL_FD) { // dup2 onto itself would leave it CLOEXEC
		UniqueFd other(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, KEEP_CONTROL_FD + 1));
		theirs = std::move(other);
	}
	const SpawnAttributes how(theirs.get());
	const std::string arg0 = "keeper";
	char *const argv[] = {const_cast<char *>(arg0.c_str()), const_cast<char *>(out.folder.c_str()), nullptr}, *const env[] = {nullptr};
	if (const int e = ::posix_spawn(&out.keeper, job.paths.keeper.c_str(), &how.actions, &how.attributes, argv, env); e != 0)
		throw Failure{KEEP_STEP_SPEC, e, fmt::format("the keeper {} does not start: {}", job.paths.keeper, std::strerror(e))};
	out.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, out.keeper, 0)));
}

/// "#!/nowhere/sh" → "/nowhere/sh", of a file that execve said it does not know.
std::string interpreter_of(const std::string &path)
{
	const std::string head = read_small(path, 256).value_or("");
	if (!head.starts_with("#!")) return {};
	const std::size_t from = head.find_first_not_of(" \t", 2);
	return from == std::string::npos ? "" : head.substr(from, head.find_first_of(" \t\r\n", from) - from);
}

std::string explain_exec(int error, const std::string &program)
{
	const bool is_path = program.find('/') != std::string::npos, is_there = is_path && ::access(program.c_str(), F_OK) == 0;
	if (error == ENOENT && is_there) {
		const std::string interpreter = interpreter_of(program);
		return fmt::format(
			"{} is there, but its interpreter {} is not; correct its first line, or install it", program, interpreter.empty() ? "(or loader)" : interpreter);
	}
	if (error == ENOENT) return fmt::format("{}: not found{}", program, is_path ? "" : " in PATH");
	if (error == EACCES && is_there) return fmt::format("{}: not executable for this user (chmod +x, or its folders' modes)", program);
	if (error == ENOEXEC) return fmt::format("{}: no program: neither a binary of this machine nor a script with #! in its first line", program);
	return fmt::format("{}: {}", program, std::strerror(error));
}
} // namespace

std::string folder_of(const Paths &paths, const std::string &name, const Nonce &nonce)
{
	return fmt::format("{}/{}.{}", paths.keep_dir, name, to_hex(nonce).substr(0, 8));
}
std::string log_of(const Paths &paths, const std::string &name) { return fmt::format("{}/{}.log", paths.log_dir, name); }

Spawned spawn_keeper(const SpawnJob &job)
{
	Spawned out;
	out.folder = folder_of(job.paths, job.name, job.nonce);
	if (!job.paths.cgroup.empty()) out.cgroup = fmt::format("{}/{}.{}", job.paths.cgroup, job.name, to_hex(job.nonce).substr(0, 8));
	try {
		spawn(job, out);
	} catch (const Failure &f) {
		out.step = f.step;
		out.error = f.error;
		out.why = f.why;
		remove_folder(out.folder, "");
	}
	return out;
}

std::string explain(int step, int error, const ProcessSettings &s, const std::string &name)
{
	switch (step) {
	case KEEP_STEP_NONE: return {};
	case KEEP_STEP_DIRECTORY: return fmt::format("working directory {}: {}", s.directory, std::strerror(error));
	case KEEP_STEP_EXEC:
		if (error == ECHILD) return fmt::format("{} was killed before it could run", name);
		return explain_exec(error, s.command.front());
	case KEEP_STEP_UID:
	case KEEP_STEP_GID:
	case KEEP_STEP_GROUPS: return fmt::format("user {}: {}; a daemon that is not root can run processes as itself alone", s.user, std::strerror(error));
	case KEEP_STEP_LIMIT: return fmt::format("limits: {}", std::strerror(error));
	case KEEP_STEP_NICE: return fmt::format("nice: {}", std::strerror(error));
	case KEEP_STEP_IOPRIO: return fmt::format("io_class: {}", std::strerror(error));
	case KEEP_STEP_OOM: return fmt::format("oom_score_adjust: {}", std::strerror(error));
	case KEEP_STEP_FORK: return fmt::format("fork: {}", std::strerror(error));
	default: return fmt::format("its keeper could not set it up: {}", std::strerror(error));
	}
}

void remove_folder(const std::string &folder, const std::string &cgroup) noexcept
{
	for (const char *name : {"/spec", "/id", "/id.new", "/s", "/n", "/exit", "/exit.new"}) ::unlink((folder + name).c_str());
	::rmdir(folder.c_str());
	if (!cgroup.empty()) ::rmdir(cgroup.c_str());
}

} // namespace procs
