#include "files.hpp"

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>

namespace netif {

namespace {
struct Descriptor {
	explicit Descriptor(int fd_) noexcept : fd(fd_) {}
	~Descriptor()
	{
		if (fd >= 0) ::close(fd);
	}
	Descriptor(const Descriptor &) = delete;
	Descriptor &operator=(const Descriptor &) = delete;
	const int fd;
};

/// False: more than `most` bytes, or an error.
bool read_all(int fd, std::string &out, std::size_t most)
{
	out.resize(most + 1);
	std::size_t size = 0;
	while (size <= most) {
		const ssize_t n = ::read(fd, out.data() + size, out.size() - size);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return false;
		if (n == 0) break;
		size += static_cast<std::size_t>(n);
	}
	out.resize(size);
	return size <= most;
}
} // namespace

std::optional<std::string> read_file(const std::string &path, std::size_t most)
{
	const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
	struct stat about {};
	std::string out;
	if (file.fd < 0 || ::fstat(file.fd, &about) < 0 || !S_ISREG(about.st_mode) || !read_all(file.fd, out, most)) return std::nullopt;
	return out;
}

std::string read_proc(const std::string &path, std::size_t most)
{
	const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
	std::string out;
	if (file.fd >= 0) read_all(file.fd, out, most);
	if (out.size() > most) out.resize(most);
	return out;
}

namespace {
int fill(int fd, std::string_view data, unsigned mode)
{
	errno = 0;
	if (::write(fd, data.data(), data.size()) != static_cast<ssize_t>(data.size())) return errno != 0 ? -errno : -ENOSPC;
	return ::fchmod(fd, mode) < 0 ? -errno : 0;
}

/// By a file that has no name until it is whole: a crash leaves nothing. -EOPNOTSUPP where the file system knows no such thing.
int create_nameless(const std::string &path, std::string_view data, unsigned mode)
{
	const std::size_t slash = path.rfind('/');
	const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
	const Descriptor file(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode));
	if (file.fd < 0) return errno == EISDIR || errno == EINVAL ? -EOPNOTSUPP : -errno;
	if (const int error = fill(file.fd, data, mode); error != 0) return error;
	const std::string own = fmt::format("/proc/self/fd/{}", file.fd);
	return ::linkat(AT_FDCWD, own.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}
} // namespace

int write_file(const std::string &path, std::string_view data, unsigned mode, Put how)
{
	if (how == Put::create) {
		if (const int error = create_nameless(path, data, mode); error != -EOPNOTSUPP) return error;
	}
	static std::atomic<unsigned> count{0};
	const std::string temporary = fmt::format("{}.{}.{}.tmp", path, ::getpid(), ++count);
	int error = 0;
	{
		const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
		if (file.fd < 0) return -errno;
		error = fill(file.fd, data, mode);
	}
	if (error == 0 && how == Put::create && ::link(temporary.c_str(), path.c_str()) < 0) error = -errno;
	if (error == 0 && how == Put::replace) {
		if (::rename(temporary.c_str(), path.c_str()) == 0) return 0;
		error = -errno;
	}
	::unlink(temporary.c_str());
	return error;
}

std::vector<std::string> names_in(const std::string &folder, std::string_view suffix, std::size_t most)
{
	std::vector<std::string> out;
	DIR *open = ::opendir(folder.c_str());
	if (!open) return out;
	while (const dirent *entry = ::readdir(open)) {
		const std::string_view name = entry->d_name;
		if (name.ends_with(suffix) && name.front() != '.' && out.size() < most) out.emplace_back(name);
	}
	::closedir(open);
	return out;
}

int make_folder(const std::string &path)
{
	for (std::size_t i = 1; i <= path.size(); ++i) {
		if (i != path.size() && path[i] != '/') continue;
		if (::mkdir(path.substr(0, i).c_str(), 0755) < 0 && errno != EEXIST) return -errno;
	}
	return 0;
}

std::string boot_id()
{
	const std::string all = read_proc("/proc/sys/kernel/random/boot_id");
	return all.substr(0, all.find('\n'));
}

std::string command_of(int pid)
{
	const std::string all = read_proc(fmt::format("/proc/{}/comm", pid));
	return all.substr(0, all.find('\n'));
}

unsigned long long start_of(int pid)
{
	const std::string stat = read_proc(fmt::format("/proc/{}/stat", pid));
	// The name in parentheses may hold anything: fields count from the last one that closes.
	std::size_t at = stat.rfind(')');
	if (at == std::string::npos || at + 2 >= stat.size() || stat[at + 2] == 'Z') return 0;
	for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
	unsigned long long out = 0;
	if (at != std::string::npos) std::from_chars(stat.data() + at + 1, stat.data() + stat.size(), out);
	return out;
}

} // namespace netif
