#include "csv/folders.hpp"

#include <dirent.h>
#include <fnmatch.h>
#include <linux/magic.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace csv {
namespace {

constexpr std::uint32_t events = IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

/// inotify sees only what this machine does: on these, others write as well.
bool is_shared(const std::string &path)
{
	struct statfs s {};
	if (::statfs(path.c_str(), &s) != 0) return true;
	constexpr std::array<std::int64_t, 6> remote{
		NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, 0xff534d42 /* CIFS */, 0xfe534d42 /* SMB2 */, V9FS_MAGIC, 0x65735546 /* FUSE */};
	return std::find(remote.begin(), remote.end(), static_cast<std::int64_t>(s.f_type)) != remote.end();
}

} // namespace

bool Patterns::matches(const char *name) const noexcept
{
	return std::any_of(patterns.begin(), patterns.end(), [&](const std::string &p) { return ::fnmatch(p.c_str(), name, FNM_PERIOD) == 0; });
}

Folders::Folders(std::vector<std::string> directories, Patterns patterns_, int inotify_fd_) : patterns(std::move(patterns_)), inotify_fd(inotify_fd_)
{
	for (std::string &d : directories) folders.push_back({std::move(d), -1, {}});
}

void Folders::watch(Folder &folder) const
{
	// Where the folder does not exist yet, the nearest one above it says when the next part of its path comes.
	std::string path = folder.path;
	auto s = Stat::of(path);
	while (!s && path.find_last_of('/') != std::string::npos && path != "/") {
		path.erase(std::max<std::size_t>(path.find_last_of('/'), 1));
		s = Stat::of(path);
	}
	if (folder.watch >= 0 && s && s->identity == folder.identity) return;
	const int before = std::exchange(folder.watch, -1);
	if (before >= 0 && std::none_of(folders.begin(), folders.end(), [&](const Folder &f) { return f.watch == before; })) ::inotify_rm_watch(inotify_fd, before);
	if (!s || inotify_fd < 0) return;
	const std::uint32_t mask = path == folder.path ? events : IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
	folder.watch = ::inotify_add_watch(inotify_fd, path.c_str(), mask | IN_ONLYDIR | IN_MASK_ADD);
	folder.identity = s->identity;
	folder.is_shared = is_shared(path);
}

std::vector<Candidate> Folders::scan()
{
	std::vector<Candidate> out;
	all_watched = !folders.empty();
	why.clear();
	for (Folder &f : folders) {
		watch(f); // before the list: what comes in between is an event
		all_watched = all_watched && f.watch >= 0 && !f.is_shared;
		list(f, out);
	}
	std::sort(out.begin(), out.end(), [](const Candidate &a, const Candidate &b) {
		return a.stat.modified_ns != b.stat.modified_ns ? a.stat.modified_ns > b.stat.modified_ns : a.path > b.path;
	});
	return out;
}

void Folders::list(const Folder &folder, std::vector<Candidate> &out)
{
	const std::unique_ptr<DIR, int (*)(DIR *)> dir(::opendir(folder.path.c_str()), &::closedir);
	if (!dir) {
		why += (why.empty() ? "" : "; ") + folder.path + ": " + std::strerror(errno);
		return;
	}
	std::size_t seen = 0;
	while (const dirent *e = ::readdir(dir.get())) {
		if (++seen > most_files) {
			why += (why.empty() ? "" : "; ") + folder.path + ": more than 10,000 entries, the rest is not looked at";
			break;
		}
		if (e->d_type == DT_DIR || !patterns.matches(e->d_name)) continue;
		Candidate c{folder.path + "/" + e->d_name, {}};
		const auto s = Stat::of(c.path);
		if (!s || !s->is_regular) continue;
		c.stat = *s;
		out.push_back(std::move(c));
	}
}

std::string Folders::find(const Identity &identity) const
{
	for (const Folder &folder : folders) {
		const std::unique_ptr<DIR, int (*)(DIR *)> dir(::opendir(folder.path.c_str()), &::closedir);
		std::size_t seen = 0;
		while (const dirent *e = dir ? ::readdir(dir.get()) : nullptr) {
			if (++seen > most_files) break;
			if (e->d_ino != identity.inode) continue;
			std::string path = folder.path + "/" + e->d_name;
			const auto s = Stat::of(path);
			if (s && s->identity == identity) return path;
		}
	}
	return {};
}

Inotify::Inotify() : handle(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

Inotify::Events Inotify::read(const Patterns &patterns) const
{
	Events out;
	alignas(inotify_event) std::array<char, 16384> buffer;
	for (int rounds = 0; rounds < 16; ++rounds) {
		const ssize_t n = ::read(handle.get(), buffer.data(), buffer.size());
		if (n <= 0) break;
		for (const char *at = buffer.data(); at < buffer.data() + n;) {
			const auto *e = reinterpret_cast<const inotify_event *>(at);
			at += sizeof(inotify_event) + e->len;
			if ((e->mask & (IN_Q_OVERFLOW | IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0) out.is_scan_due = true;
			if ((e->mask & IN_ISDIR) != 0 && (e->mask & (IN_CREATE | IN_MOVED_TO)) != 0) out.is_scan_due = true; // a folder that is waited for, perhaps
			if (e->len == 0 || !patterns.matches(e->name)) continue;
			if ((e->mask & (IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE)) != 0) out.is_scan_due = true;
			else if (out.modified.empty() || out.modified.back() != e->name) out.modified.emplace_back(e->name);
		}
	}
	return out;
}

} // namespace csv
