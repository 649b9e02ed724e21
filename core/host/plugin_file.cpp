#include "host/plugin_file.hpp"

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace core::host {

namespace {

constexpr off_t most_bytes = 64 << 20;

/// Closes with its scope.
struct Fd {
	int fd;
	explicit Fd(int fd_) noexcept : fd(fd_) {}
	~Fd()
	{
		if (fd >= 0) close(fd);
	}
	Fd(const Fd &) = delete;
	Fd &operator=(const Fd &) = delete;
};

std::string last_error() { return std::strerror(errno); }

std::string owner_problem(const struct stat &s, std::string_view what)
{
	if (s.st_uid != 0 && s.st_uid != geteuid()) return fmt::format("{} belongs to user {}: it must be root's or the daemon's (chown)", what, s.st_uid);
	if ((s.st_mode & S_IWOTH) != 0) return fmt::format("{} can be written by everybody (chmod o-w)", what);
	return {};
}

Result<std::vector<std::byte>> read_whole(int fd, off_t size)
{
	std::vector<std::byte> out(static_cast<std::size_t>(size));
	std::size_t have = 0;
	while (have < out.size()) {
		const ssize_t n = pread(fd, out.data() + have, out.size() - have, static_cast<off_t>(have));
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return fail("cannot be read: " + last_error(), 422);
		if (n == 0) return fail("was cut short while it was read: still being copied?", 422);
		have += static_cast<std::size_t>(n);
	}
	return out;
}

Result<void> write_copy(const std::string &path, const std::vector<std::byte> &bytes)
{
	const Fd out(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0500));
	if (out.fd < 0) return fail(fmt::format("private copy {}: {}", path, last_error()), 500);
	for (std::size_t have = 0; have < bytes.size();) {
		const ssize_t n = write(out.fd, bytes.data() + have, bytes.size() - have);
		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return fail(fmt::format("private copy {}: {}", path, last_error()), 507);
		have += static_cast<std::size_t>(n);
	}
	return {};
}

/// Copies of a daemon that was killed: the folder's name ends in its process number.
void remove_leftovers(const std::string &parent)
{
	const std::unique_ptr<DIR, int (*)(DIR *)> dir(opendir(parent.c_str()), &closedir);
	if (!dir) return;
	while (const dirent *e = readdir(dir.get())) {
		constexpr std::string_view prefix = "patchbay-plugins.";
		if (!std::string_view(e->d_name).starts_with(prefix)) continue;
		const std::string folder = parent + "/" + e->d_name;
		struct stat s {};
		const long pid = std::strtol(e->d_name + prefix.size(), nullptr, 10);
		if (lstat(folder.c_str(), &s) != 0 || !S_ISDIR(s.st_mode) || s.st_uid != geteuid() || pid <= 0) continue;
		if (kill(static_cast<pid_t>(pid), 0) == 0 || errno != ESRCH) continue;
		const std::unique_ptr<DIR, int (*)(DIR *)> inside(opendir(folder.c_str()), &closedir);
		while (const dirent *f = inside ? readdir(inside.get()) : nullptr)
			if (f->d_name[0] != '.') unlinkat(dirfd(inside.get()), f->d_name, 0);
		rmdir(folder.c_str());
	}
}

} // namespace

PrivateCopy::~PrivateCopy()
{
	if (!file.empty()) unlink(file.c_str());
}

bool Stamp::operator==(const Stamp &o) const noexcept
{
	const auto same = [](const timespec &a, const timespec &b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; };
	return device == o.device && inode == o.inode && size == o.size && same(modified, o.modified) && same(changed, o.changed);
}

CopyFolder::CopyFolder(const std::string &preferred)
{
	const char *tmp = std::getenv("TMPDIR");
	for (const std::string &parent : {preferred, std::string(tmp ? tmp : "/tmp"), std::string("/tmp")}) {
		struct statvfs fs {};
		if (parent.empty() || statvfs(parent.c_str(), &fs) != 0 || (fs.f_flag & ST_NOEXEC) != 0) continue;
		remove_leftovers(parent);
		// The process number lets the next daemon clean up; mkdtemp's letters keep the name from being guessed.
		std::string path = fmt::format("{}/patchbay-plugins.{}.XXXXXX", parent, getpid());
		if (!mkdtemp(path.data())) continue;
		folder = path;
		return;
	}
}

CopyFolder::~CopyFolder()
{
	if (!folder.empty()) rmdir(folder.c_str());
}
std::string CopyFolder::next(std::string_view name) { return fmt::format("{}/{}-{}.so", folder, name, ++count); }

Result<Stamp> stamp_of(const std::string &path)
{
	struct stat s {};
	if (stat(path.c_str(), &s) != 0) return fail(last_error(), errno == ENOENT ? 404 : 422);
	return Stamp{s.st_dev, s.st_ino, s.st_size, s.st_mtim, s.st_ctim};
}

Result<PluginFile> take(const std::string &path, CopyFolder &folder)
{
	if (folder.path().empty()) return fail("no folder for private copies: the state folder and /tmp are full, read-only or noexec", 500);
	const Fd in(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)); // O_NONBLOCK: a FIFO does not hang
	if (in.fd < 0) return fail("cannot be opened: " + last_error(), 422);
	struct stat s {};
	if (fstat(in.fd, &s) != 0 || !S_ISREG(s.st_mode)) return fail("not a regular file", 422);
	if (std::string problem = owner_problem(s, "the file"); !problem.empty()) return fail(std::move(problem), 403);
	if (s.st_size > most_bytes) return fail(fmt::format("{} bytes: more than the {} that a plugin may have", s.st_size, most_bytes), 422);
	auto bytes = read_whole(in.fd, s.st_size);
	if (!bytes) return tl::unexpected(std::move(bytes.error()));
	auto descriptor = read_descriptor(*bytes);
	if (!descriptor) return tl::unexpected(std::move(descriptor.error()));
	PrivateCopy copy(folder.next(descriptor->name));
	if (auto written = write_copy(copy.path(), *bytes); !written) return tl::unexpected(std::move(written.error()));
	return PluginFile{std::move(*descriptor), std::move(copy)};
}

std::string folder_problem(const std::string &path)
{
	struct stat s {};
	if (stat(path.c_str(), &s) != 0) return {}; // not there (yet): nothing to load from it
	if (!S_ISDIR(s.st_mode)) return fmt::format("plugin folder {}: not a folder", path);
	std::string problem = owner_problem(s, "it");
	return problem.empty() ? problem : fmt::format("plugin folder {}: {}", path, problem);
}

} // namespace core::host
