#include "pid_files.hpp"

#include "identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procs {

namespace {
constexpr off_t most_bytes = 65536;

std::string failure(const std::string &what) { return fmt::format("{}: {}", what, std::strerror(errno)); }
} // namespace

std::vector<pid_t> parse_pids(std::string_view text, std::size_t most)
{
	std::vector<pid_t> out;
	while (!text.empty() && out.size() < most) {
		const std::size_t end = std::min(text.find('\n'), text.size());
		std::string_view line = text.substr(0, end);
		text.remove_prefix(std::min(end + 1, text.size()));
		while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
		while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) line.remove_suffix(1);
		pid_t pid = 0;
		const auto r = std::from_chars(line.data(), line.data() + line.size(), pid);
		if (r.ec == std::errc() && r.ptr == line.data() + line.size() && pid > 1 && std::ranges::find(out, pid) == out.end()) out.push_back(pid);
	}
	return out;
}

std::vector<pid_t> read_pid_file(const std::string &path)
{
	struct stat st {};
	const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
	if (!fd || ::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > most_bytes) return {};
	return parse_pids(read_small(path, static_cast<std::size_t>(most_bytes)).value_or(""));
}

bool is_in_use(const std::string &path)
{
	struct stat st {};
	if (::lstat(path.c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return false;
	const double age = static_cast<double>(pb::unix_ms()) / 1000 - static_cast<double>(st.st_mtime);
	return std::ranges::any_of(read_pid_file(path), [&](pid_t pid) {
		const auto s = stat_of(pid);
		return pid != ::getpid() && s && s->state != 'Z' && seconds_since_start(s->start) + 2 >= age; // a younger one has been given the number later
	});
}

std::string write_pid_file(const std::string &path, const std::vector<pid_t> &pids)
{
	const std::size_t slash = path.rfind('/');
	const std::string folder = slash == 0 ? "/" : path.substr(0, slash), temporary = fmt::format("{}/.{}.{}", folder, path.substr(slash + 1), ::getpid());
	if (pids.empty()) return ::unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR ? "" : failure(path);
	std::string text;
	for (const pid_t pid : pids) text += fmt::format("{}\n", pid);
	::unlink(temporary.c_str()); // a former daemon's, or somebody's link
	const UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
	if (!fd) return failure(temporary);
	const bool is_written =
		::fchmod(fd.get(), 0644) == 0 && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd.get()) == 0;
	if (!is_written || ::rename(temporary.c_str(), path.c_str()) != 0) {
		const std::string why = failure(path);
		::unlink(temporary.c_str());
		return why;
	}
	const UniqueFd dir(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (dir) ::fsync(dir.get());
	return {};
}

PidFiles::PidFiles(Context &context_) : context(context_), alive(std::make_shared<bool>(true)) {}
PidFiles::~PidFiles() { *alive = false; }

void PidFiles::add(const std::string &name, std::vector<std::string> paths)
{
	for (const std::string &path : paths) files[path].members.push_back(name);
	paths_of[name] = std::move(paths);
}

void PidFiles::set(const std::string &name, pid_t pid)
{
	if (pids[name] == pid) return;
	pids[name] = pid;
	for (const std::string &path : paths_of[name]) write(path, files[path]);
}

void PidFiles::write_all()
{
	for (auto &[path, file] : files) write(path, file, true);
}

void PidFiles::write(const std::string &path, File &file, bool is_first)
{
	file.is_dirty = true;
	if (file.is_busy) return;
	file.is_dirty = false;
	std::vector<pid_t> wanted;
	for (const std::string &m : file.members)
		if (const auto i = pids.find(m); i != pids.end() && i->second > 0) wanted.push_back(i->second);
	const bool is_own = path.starts_with(context.paths.pid_dir + "/");
	file.is_busy = context.scope.work(
		[path, wanted, is_first, folder = is_own ? context.paths.pid_dir : std::string()] {
			if (is_first && wanted.empty() && folder.empty() && is_in_use(path))
				return std::string("it names a process that somebody else has started; it is left");
			if (!folder.empty() && !wanted.empty())
				if (const std::string why = make_folder(folder, 0755); !why.empty()) return why;
			return write_pid_file(path, wanted);
		},
		[this, path, token = alive](const std::string &why) noexcept {
			if (*token) on_written(path, why);
		});
	if (!file.is_busy) context.scope.warn("PID file not written", {{"file", path}, {"reason", "the worker pool is busy"}});
}

void PidFiles::on_written(const std::string &path, const std::string &why)
{
	File &file = files[path];
	file.is_busy = false;
	if (!why.empty()) context.scope.warn("PID file not written", {{"file", path}, {"reason", why}});
	if (file.is_dirty) write(path, file);
	if (!is_idle()) return;
	for (auto &then : std::exchange(waiting, {})) then();
}

bool PidFiles::is_idle() const noexcept
{
	return std::ranges::none_of(files, [](const auto &f) { return f.second.is_busy; });
}

void PidFiles::when_written(std::function<void()> then)
{
	if (is_idle()) then();
	else waiting.push_back(std::move(then));
}

} // namespace procs
