#include "host/folder_watch.hpp"

#include <dirent.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace core::host {

namespace {
constexpr std::chrono::milliseconds settle{50}, look_every{2000};
// Whole files only: IN_CREATE counts for links alone. IN_ATTRIB: a mode that was mended.
constexpr std::uint32_t events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

bool is_link(const std::string &path)
{
	struct stat s {};
	return lstat(path.c_str(), &s) == 0 && (S_ISLNK(s.st_mode) || s.st_nlink > 1);
}
} // namespace

FolderWatch::FolderWatch(Reactor &reactor_, Log &log_, Bound<const std::string &> on_file_)
	: reactor(reactor_), log(log_), on_file(on_file_), quiet(reactor, bind<&FolderWatch::on_quiet>(this)), look(reactor, bind<&FolderWatch::on_missing>(this))
{}

FolderWatch::~FolderWatch()
{
	readable.reset();
	if (fd >= 0) close(fd);
}

std::vector<std::string> FolderWatch::list(const std::string &folder)
{
	std::vector<std::string> out;
	const std::unique_ptr<DIR, int (*)(DIR *)> dir(opendir(folder.c_str()), &closedir);
	while (const dirent *e = dir ? readdir(dir.get()) : nullptr)
		if (e->d_name[0] != '.' && std::string_view(e->d_name).ends_with(".so")) out.push_back(folder + "/" + e->d_name);
	std::ranges::sort(out);
	return out;
}

void FolderWatch::set(const std::vector<std::string> &folders, bool is_on)
{
	readable.reset();
	if (fd >= 0) close(std::exchange(fd, -1));
	watched.clear();
	missing.clear();
	look.stop();
	if (!is_on) return;
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0) return log.warn("plugin folders cannot be watched; SIGHUP looks again", {{"reason", std::strerror(errno)}});
	readable = std::make_unique<FdWatch>(reactor, fd, bind<&FolderWatch::on_readable>(this));
	readable->watch(PB_READ);
	for (const std::string &f : folders)
		if (!add(f)) missing.insert(f);
	if (!missing.empty()) look.every(look_every);
}

bool FolderWatch::add(const std::string &folder)
{
	const int w = inotify_add_watch(fd, folder.c_str(), events);
	if (w < 0) {
		if (errno != ENOENT && errno != ENOTDIR) log.warn("plugin folder cannot be watched", {{"folder", folder}, {"reason", std::strerror(errno)}});
		return false;
	}
	watched[w] = folder;
	return true;
}

void FolderWatch::report_all(const std::string &folder)
{
	for (std::string &path : list(folder)) changed.insert(std::move(path));
	if (!changed.empty()) quiet.once(settle);
}

void FolderWatch::on_missing() noexcept
{
	std::erase_if(missing, [this](const std::string &folder) {
		if (!add(folder)) return false;
		report_all(folder);
		return true;
	});
	if (missing.empty()) look.stop();
}

void FolderWatch::on_readable(int, std::uint32_t) noexcept
{
	alignas(inotify_event) char buffer[16384];
	const ssize_t n = read(fd, buffer, sizeof buffer); // one piece a turn; level-triggered
	for (ssize_t at = 0; at + static_cast<ssize_t>(sizeof(inotify_event)) <= n;) {
		const auto *e = reinterpret_cast<const inotify_event *>(buffer + at);
		at += static_cast<ssize_t>(sizeof(inotify_event) + e->len);
		if ((e->mask & IN_Q_OVERFLOW) != 0) {
			for (const auto &[w, folder] : watched) report_all(folder);
			continue;
		}
		const auto i = watched.find(e->wd);
		if (i == watched.end()) continue;
		const std::string folder = i->second;
		if ((e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0) {
			if ((e->mask & IN_IGNORED) == 0) inotify_rm_watch(fd, e->wd);
			watched.erase(i);
			missing.insert(folder);
			look.every(look_every);
			continue;
		}
		const std::string_view name = e->len > 0 ? std::string_view(e->name) : std::string_view();
		if (name.empty() || name[0] == '.' || !name.ends_with(".so")) continue;
		const std::string path = folder + "/" + std::string(name);
		if ((e->mask & IN_CREATE) != 0 && !is_link(path)) continue; // IN_CLOSE_WRITE will come
		changed.insert(path);
	}
	if (!changed.empty() && !quiet.is_set()) quiet.once(settle);
}

void FolderWatch::on_quiet() noexcept
{
	for (const std::string &path : std::exchange(changed, {})) on_file(path);
}

} // namespace core::host
