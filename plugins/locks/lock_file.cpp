#include "lock_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>

namespace locks {

namespace {

constexpr mode_t file_mode = 0644; // others must read the id to judge it

std::int64_t mtime_of(const struct stat &st) noexcept { return std::int64_t{st.st_mtim.tv_sec} * 1000 + st.st_mtim.tv_nsec / 1'000'000; }

std::string content_of(int fd)
{
	std::array<char, 64> buffer{};
	const ssize_t n = ::pread(fd, buffer.data(), buffer.size(), 0);
	return n > 0 ? std::string(buffer.data(), static_cast<std::size_t>(n)) : "";
}

/// One write over what is there; a reader sees the old id or the new one.
bool write_id(int fd, const std::string &id)
{
	return ::pwrite(fd, id.data(), id.size(), 0) == static_cast<ssize_t>(id.size()) && ::ftruncate(fd, static_cast<off_t>(id.size())) == 0;
}

bool is_named(const Place &place, const struct stat &st)
{
	struct stat named {};
	return ::fstatat(place.folder.get(), place.name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_dev == st.st_dev && named.st_ino == st.st_ino;
}

Fault fault(const Place &place, const char *what)
{
	const int e = errno;
	return {e == EACCES || e == EPERM || e == EROFS ? 403 : 500, e == EACCES || e == EPERM || e == EROFS ? "PERMISSION_DENIED" : "",
		fmt::format("{}.lock: {}: {}", place.path, what, std::strerror(e))};
}

/// A new file of ours renamed over the stale one, whose flock we hold.
Fd replace(const Place &place, const std::string &id)
{
	const std::string temporary = fmt::format(".{}.{}", place.name.substr(0, 200), ::getpid()); // the flock is ours: nobody else makes one now
	::unlinkat(place.folder.get(), temporary.c_str(), 0);                                       // from a crash
	Fd fd(::openat(place.folder.get(), temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file_mode));
	if (!fd) return fd;
	if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0 && write_id(fd.get(), id) &&
		::renameat(place.folder.get(), temporary.c_str(), place.folder.get(), place.name.c_str()) == 0)
		return fd;
	const int why = errno;
	::unlinkat(place.folder.get(), temporary.c_str(), 0);
	errno = why;
	return Fd();
}

std::optional<HeldFile> create(Place &place, const std::string &id, std::optional<Fault> &failed)
{
	Fd fd(::openat(place.folder.get(), place.name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file_mode));
	if (!fd) {
		if (errno != EEXIST) failed = fault(place, "cannot be created");
		return {};
	}
	if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 || !write_id(fd.get(), id)) {
		failed = fault(place, "cannot be written");
		::unlinkat(place.folder.get(), place.name.c_str(), 0); // empty and seconds old: nobody takes it for stale
		return {};
	}
	return HeldFile{std::move(place), std::move(fd), id, false};
}

/// The file that stands in the way, open; empty and errno where it has gone or cannot be opened.
Fd open_present(const Place &place, bool &may_write)
{
	constexpr int how = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	Fd fd(::openat(place.folder.get(), place.name.c_str(), O_RDWR | how));
	may_write = static_cast<bool>(fd);
	if (!fd && (errno == EACCES || errno == EROFS || errno == EPERM)) fd = Fd(::openat(place.folder.get(), place.name.c_str(), O_RDONLY | how));
	return fd;
}

Busy busy(const char *holder) { return {{false, holder, {}}}; }

} // namespace

std::uint64_t HeldFile::inode() const noexcept
{
	struct stat st {};
	return ::fstat(fd.get(), &st) == 0 ? st.st_ino : 0;
}

std::variant<HeldFile, Busy, Fault> take(Place place, Content content, milliseconds stale_after, std::int64_t now)
{
	const std::string id = make_id(content, now);
	for (int tries = 0; tries < 3; ++tries) {
		std::optional<Fault> failed;
		if (auto made = create(place, id, failed)) return std::move(*made);
		if (failed) return std::move(*failed);

		bool may_write = false;
		Fd fd = open_present(place, may_write);
		if (!fd && errno == ENOENT) continue;
		if (!fd && (errno == ELOOP || errno == EISDIR || errno == ENXIO)) return busy("not a plain file: never taken over");
		if (!fd) return fault(place, "exists and cannot be read");
		struct stat st {};
		if (::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode)) return busy("not a plain file: never taken over");
		Verdict verdict = judge(content_of(fd.get()), mtime_of(st), now, stale_after);
		if (!verdict.is_stale) return Busy{std::move(verdict)};

		// One taker at a time for this file, and none while its holder, one of us, lives.
		if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return Busy{{false, "a living process that has it locked", verdict.age}};
		if (::fstat(fd.get(), &st) != 0 || !is_named(place, st)) continue; // it went, or another came: look again
		verdict = judge(content_of(fd.get()), mtime_of(st), now, stale_after);
		if (!verdict.is_stale) return Busy{std::move(verdict)};
		if (may_write && st.st_nlink == 1) {
			if (!write_id(fd.get(), id)) return fault(place, "is stale and cannot be taken over");
		} else {
			fd = replace(place, id); // a second name may be somebody's data: it keeps its content
			if (!fd) return fault(place, "is stale and cannot be replaced");
		}
		return HeldFile{std::move(place), std::move(fd), id, true};
	}
	return busy("programs that come and go");
}

std::optional<HeldFile> adopt(Place place, std::uint64_t inode, const std::vector<std::string> &ids)
{
	bool may_write = false;
	HeldFile file{std::move(place), Fd(), "", true};
	file.fd = open_present(file.place, may_write);
	struct stat st {};
	if (!file.fd || !may_write || ::fstat(file.fd.get(), &st) != 0 || st.st_ino != inode || !S_ISREG(st.st_mode)) return {};
	file.id = content_of(file.fd.get());
	if (std::find(ids.begin(), ids.end(), file.id) == ids.end() || ::flock(file.fd.get(), LOCK_EX | LOCK_NB) != 0 || !is_ours(file)) return {};
	return file;
}

bool is_ours(const HeldFile &file)
{
	struct stat st {};
	return ::fstat(file.fd.get(), &st) == 0 && st.st_nlink > 0 && is_named(file.place, st) && content_of(file.fd.get()) == file.id;
}

bool refresh(HeldFile &file, std::string id)
{
	if (!is_ours(file) || !write_id(file.fd.get(), id)) return false;
	file.id = std::move(id);
	return is_ours(file);
}

bool drop(HeldFile &file)
{
	const bool was_ours = is_ours(file) && ::unlinkat(file.place.folder.get(), file.place.name.c_str(), 0) == 0;
	file.fd = Fd();
	return was_ours;
}

std::string make_id(Content content, std::int64_t now) { return content == Content::time ? std::to_string(now) : std::to_string(::getpid()) + "\n"; }

} // namespace locks
