#include "config/watch.hpp"

#include <fmt/format.h>

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

namespace core::config {

namespace {
constexpr std::uint32_t wanted = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr int again_after = 20; // times the quiet
constexpr std::chrono::seconds longest_wait{2};

std::string folder_of(const std::string &file)
{
	const std::size_t slash = file.rfind('/');
	return slash == std::string::npos ? "." : slash == 0 ? "/" : file.substr(0, slash);
}
std::string name_of(const std::string &file)
{
	const std::size_t slash = file.rfind('/');
	return slash == std::string::npos ? file : file.substr(slash + 1);
}
std::string real_path(const std::string &file)
{
	const std::unique_ptr<char, decltype(&std::free)> real(realpath(file.c_str(), nullptr), &std::free);
	return real ? real.get() : file;
}

/// A regular file that was just made is empty: its close comes later. What is linked into place is whole.
bool is_unfinished(const std::string &file)
{
	struct stat about {};
	return lstat(file.c_str(), &about) == 0 && S_ISREG(about.st_mode) && about.st_nlink == 1;
}
} // namespace

Watch::Watch(Reactor &reactor_, Bound<> on_change_, std::chrono::milliseconds quiet_)
	: reactor(reactor_), on_change(on_change_), quiet(quiet_), settle(reactor_, bind<&Watch::on_quiet>(this)), again(reactor_, bind<&Watch::on_again>(this))
{}

Watch::~Watch()
{
	readable.reset();
	if (fd >= 0) close(fd);
}

std::string Watch::set(const std::vector<std::string> &files)
{
	main_file = files.empty() ? "" : files.front();
	return watch_folders();
}

void Watch::add_folder(Folder folder)
{
	const auto same = std::ranges::find_if(folders, [&](const Folder &f) { return f.path == folder.path; });
	if (same == folders.end()) return folders.push_back(std::move(folder));
	same->is_conf_d |= folder.is_conf_d;
	std::ranges::move(folder.names, std::back_inserter(same->names));
}

// From nothing each time: a folder may have been replaced by another of the same name.
std::string Watch::watch_folders()
{
	readable.reset();
	if (fd >= 0) close(fd);
	fd = -1;
	watched.clear();
	folders.clear();
	again.stop();
	is_lost = false;
	if (main_file.empty()) return {};
	const std::string real = real_path(main_file), conf_d = main_file.find('/') == std::string::npos ? "conf.d" : folder_of(main_file) + "/conf.d";
	add_folder({folder_of(main_file), {name_of(main_file), "conf.d"}, false});
	add_folder({folder_of(real), {name_of(real)}, false});
	add_folder({conf_d, {}, true});

	std::string why;
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0) why = fmt::format("{}: changes are not noticed (SIGHUP makes me read it): inotify: {}", main_file, std::strerror(errno));
	for (const Folder &f : folders) {
		if (fd < 0) break;
		const int wd = inotify_add_watch(fd, f.path.c_str(), wanted);
		if (wd < 0 && f.is_conf_d && f.names.empty() && (errno == ENOENT || errno == ENOTDIR)) continue; // its parent tells of it
		if (wd < 0) why = fmt::format("{}: changes are not noticed (SIGHUP makes me read it): {}: {}", main_file, f.path, std::strerror(errno));
		else if (const auto there = watched.find(wd); there != watched.end()) { // one folder by two paths
			there->second.is_conf_d |= f.is_conf_d;
			std::ranges::copy(f.names, std::back_inserter(there->second.names));
		} else watched.emplace(wd, f);
	}
	if (!why.empty()) {
		is_lost = true;
		again.every(again_after * quiet);
	}
	if (fd < 0) return why;
	readable = std::make_unique<FdWatch>(reactor, fd, bind<&Watch::on_events>(this));
	readable->watch(PB_READ);
	return why;
}

bool Watch::counts(int wd, std::uint32_t what, std::string_view name) const
{
	if ((what & IN_Q_OVERFLOW) != 0) return true;
	const auto at = watched.find(wd);
	if (at == watched.end()) return false;
	const Folder &f = at->second;
	const bool is_conf = f.is_conf_d && name.ends_with(".toml") && !name.starts_with('.');
	if (!is_conf && std::ranges::find(f.names, name) == f.names.end()) return false;
	return (what & IN_CREATE) == 0 || (what & IN_ISDIR) != 0 || !is_unfinished(fmt::format("{}/{}", f.path, name));
}

void Watch::on_events(int, std::uint32_t) noexcept
{
	alignas(inotify_event) std::array<char, 4096> buffer;
	for (int rounds = 0; rounds < 16; ++rounds) { // what is left wakes us again
		const ssize_t n = read(fd, buffer.data(), buffer.size());
		if (n <= 0) return;
		for (const char *at = buffer.data(); at < buffer.data() + n;) {
			inotify_event e;
			std::memcpy(&e, at, sizeof e);
			const std::string_view name = e.len > 0 ? at + sizeof e : "";
			at += sizeof e + e.len;
			if ((e.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) != 0) is_lost = true;
			else if (!counts(e.wd, e.mask, name)) continue;
			touch();
		}
	}
}

// Each change moves the call on, but not for ever: a file that is written all the time is read now and then.
void Watch::touch() noexcept
{
	const auto now = std::chrono::steady_clock::now();
	if (!settle.is_set()) first_touch = now;
	else if (now - first_touch > longest_wait) return;
	settle.once(quiet);
}

void Watch::on_quiet() noexcept
{
	(void)watch_folders(); // conf.d or a symlink may lead elsewhere now
	on_change();
}

void Watch::on_again() noexcept
{
	if (!is_lost) return again.stop();
	if (watch_folders().empty()) on_change(); // what happened meanwhile is not known
}

} // namespace core::config
