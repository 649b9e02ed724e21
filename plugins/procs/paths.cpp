// Where things lie: of settings, of who we are, and of what the machine has.
#include "context.hpp"
#include "identity.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procs {

namespace {
std::string runtime_folder()
{
	if (::geteuid() == 0) return "/run/patchbay";
	if (const char *dir = ::secure_getenv("XDG_RUNTIME_DIR"); dir && dir[0] == '/') return std::string(dir) + "/patchbay";
	return fmt::format("/tmp/patchbay-{}", ::geteuid());
}

/// Short, since sockets have 108 bytes for their path, and the same for the same daemon over restarts.
std::string short_hash(std::string_view text)
{
	std::uint32_t h = 2166136261u;
	for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
	return fmt::format("{:08x}", h);
}

bool is_file(const std::string &path) noexcept { return ::access(path.c_str(), X_OK) == 0; }

/// Beside the daemon first, so that an installation is moved as a whole; the last one is a build folder's.
std::string find_keeper()
{
	char exe[PATH_MAX];
	const ssize_t n = ::readlink("/proc/self/exe", exe, sizeof exe - 1);
	const std::string_view path(exe, n > 0 ? static_cast<std::size_t>(n) : 0);
	const std::string folder(path.substr(0, path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/')));
	for (const std::string &candidate :
		{folder + "/../libexec/patchbay/keeper", std::string(PATCHBAY_LIBEXECDIR "/keeper"), folder + "/../plugins/procs/keeper/keeper"})
		if (is_file(candidate)) return candidate;
	return PATCHBAY_LIBEXECDIR "/keeper";
}

/// The second word of the first line whose third is "cgroup2".
std::string cgroup_mount()
{
	const std::string mounts = read_small("/proc/self/mounts", 1 << 20).value_or("");
	for (std::size_t at = 0; at < mounts.size();) {
		const std::size_t end = std::min(mounts.find('\n', at), mounts.size());
		const std::string_view line(mounts.data() + at, end - at);
		const std::size_t a = line.find(' '), b = line.find(' ', a + 1), c = line.find(' ', b + 1);
		if (c != std::string_view::npos && line.substr(b + 1, c - b - 1) == "cgroup2") return std::string(line.substr(a + 1, b - a - 1));
		at = end + 1;
	}
	return {};
}

std::string find_cgroup(const std::string &mount)
{
	const std::string own = read_small("/proc/self/cgroup").value_or("");
	const std::size_t at = own.starts_with("0::") ? 0 : own.find("\n0::") == std::string::npos ? own.size() : own.find("\n0::") + 1;
	if (mount.empty() || at >= own.size()) return {};
	std::string path = own.substr(at + 3, own.find('\n', at) - at - 3);
	if (path.starts_with("/..")) return {}; // outside of what we see
	if (path == "/") path.clear();
	const std::string base = mount + path, probe = fmt::format("{}/patchbay-probe.{}", base, ::getpid());
	if (::mkdir(probe.c_str(), 0755) != 0) return {};
	const bool can_kill = ::access((probe + "/cgroup.kill").c_str(), W_OK) == 0;
	::rmdir(probe.c_str());
	return can_kill ? base : std::string();
}
} // namespace

std::string make_folder(const std::string &path, mode_t mode)
{
	for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
		const std::string part = path.substr(0, slash);
		const bool is_last = slash == std::string::npos;
		if (::mkdir(part.c_str(), is_last ? mode : 0755) != 0 && errno != EEXIST) return fmt::format("{}: {}", part, std::strerror(errno));
		if (is_last) break;
	}
	struct stat st {};
	if (::stat(path.c_str(), &st) != 0) return fmt::format("{}: {}", path, std::strerror(errno));
	if (!S_ISDIR(st.st_mode)) return fmt::format("{}: not a folder", path);
	return {};
}

Paths find_paths(const Settings &s, const char *state_dir)
{
	const std::string runtime = runtime_folder(), state = state_dir ? state_dir : "";
	Paths p;
	p.pid_dir = s.pid_dir.empty() ? runtime : s.pid_dir;
	p.keep_dir = s.keep_dir.empty() ? fmt::format("{}/keep/{}", runtime, short_hash(state)) : s.keep_dir;
	p.log_dir = !s.log_dir.empty() ? s.log_dir : !state.empty() ? state + "/procs" : p.keep_dir + "/log";
	p.keeper = s.keeper.empty() ? find_keeper() : s.keeper;
	p.cgroup_mount = cgroup_mount();
	if (s.cgroup) p.cgroup = find_cgroup(p.cgroup_mount);
	return p;
}

} // namespace procs
