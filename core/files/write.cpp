#include "files/write.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace core::files {

namespace {
constexpr std::uint32_t usual_mode = 0644;
constexpr int tries = 100; // for a name that is free

class Fd {
public:
	explicit Fd(int fd_) noexcept : fd(fd_) {}
	~Fd() { (void)close(); }
	Fd(Fd &&other) noexcept : fd(std::exchange(other.fd, -1)) {}
	Fd &operator=(Fd &&) = delete;
	/// Some file systems tell only now that the data did not fit.
	[[nodiscard]] bool close() noexcept { return fd < 0 || ::close(std::exchange(fd, -1)) == 0; }
	[[nodiscard]] int get() const noexcept { return fd; }

private:
	int fd;
};

tl::unexpected<Error> failed(const std::string &path, std::string_view what, int error)
{
	const std::string text = fmt::format("{}: {}: {}", path, what, error == ELOOP ? "it is a symbolic link" : std::strerror(error));
	switch (error) {
	case ENOSPC:
	case EDQUOT: return fail(text, 507, "FILE_FULL");
	case ELOOP:
	case EACCES:
	case EPERM:
	case EROFS: return fail(text, 403, "FILE_FORBIDDEN");
	default: return fail(text, 500, "FILE_ERROR");
	}
}

/// All of it, or errno; `written` counts.
bool write_all(int fd, std::string_view data, std::size_t &written) noexcept
{
	while (written < data.size()) {
		const ssize_t n = write(fd, data.data() + written, data.size() - written);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return false;
		written += static_cast<std::size_t>(n);
	}
	return true;
}

bool sync_folder(const std::string &path) noexcept
{
	const std::string folder = path.substr(0, path.rfind('/') + 1);
	const Fd fd(open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	return fd.get() >= 0 && fsync(fd.get()) == 0;
}

/// ".NAME.RANDOM" beside the file: hidden, and on the same file system.
Fd open_beside(const std::string &path, std::string &name) noexcept
{
	const std::size_t slash = path.rfind('/');
	for (int i = 0; i < tries; ++i) {
		std::uint64_t random = 0;
		(void)!getrandom(&random, sizeof random, 0);
		name = fmt::format("{}.{}.{:016x}", path.substr(0, slash + 1), path.substr(slash + 1, 200), random);
		const int fd = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0 || errno != EEXIST) return Fd(fd);
	}
	return Fd(-1);
}

/// Without O_CREAT first: with it, the kernel refuses other people's files in /tmp (fs.protected_regular).
Fd open_to_append(const std::string &path, std::uint32_t mode, bool &is_new) noexcept
{
	constexpr int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	is_new = false;
	for (int i = 0; i < tries; ++i) {
		int fd = open(path.c_str(), flags);
		if (fd >= 0 || errno != ENOENT) return Fd(fd);
		fd = open(path.c_str(), flags | O_CREAT | O_EXCL, 0600);
		if (fd >= 0) {
			is_new = true;
			(void)fchmod(fd, static_cast<mode_t>(mode)); // not the umask's business
		}
		if (fd >= 0 || errno != EEXIST) return Fd(fd);
	}
	return Fd(-1);
}
} // namespace

Result<void> replace_now(const std::string &path, std::string_view data, std::uint32_t mode, bool is_durable)
{
	struct stat about {};
	if (lstat(path.c_str(), &about) == 0 && !S_ISREG(about.st_mode))
		return S_ISLNK(about.st_mode) ? failed(path, "cannot be replaced", ELOOP)
									  : fail(fmt::format("{}: cannot be replaced: it is no regular file", path), 403, "FILE_FORBIDDEN");
	std::string name;
	Fd fd = open_beside(path, name);
	if (fd.get() < 0) return failed(path, "a new file beside it cannot be made", errno);
	std::size_t written = 0;
	const bool is_whole = write_all(fd.get(), data, written) && fchmod(fd.get(), static_cast<mode_t>(mode ? mode : usual_mode)) == 0 &&
						  (!is_durable || fsync(fd.get()) == 0) && fd.close() && rename(name.c_str(), path.c_str()) == 0;
	if (!is_whole) {
		const int error = errno;
		(void)unlink(name.c_str());
		return failed(path, "cannot be replaced", error);
	}
	if (is_durable && !sync_folder(path)) return failed(path, "its folder cannot be synced", errno);
	return {};
}

Result<void> append_now(const std::string &path, std::string_view data, std::uint32_t mode, bool is_durable)
{
	bool is_new = false;
	Fd fd = open_to_append(path, mode ? mode : usual_mode, is_new);
	if (fd.get() < 0) return failed(path, "cannot be opened", errno);
	struct stat before {};
	if (fstat(fd.get(), &before) != 0) return failed(path, "cannot be opened", errno);
	if (!S_ISREG(before.st_mode)) return fail(fmt::format("{}: cannot be appended to: it is no regular file", path), 403, "FILE_FORBIDDEN");
	std::size_t written = 0;
	if (!write_all(fd.get(), data, written)) {
		const int error = errno;
		struct stat after {};
		const bool is_ours =
			written > 0 && fstat(fd.get(), &after) == 0 && after.st_size == before.st_size + static_cast<off_t>(written); // nobody has written behind it
		if (is_ours) (void)!ftruncate(fd.get(), before.st_size);
		return failed(path, "cannot be appended to", error);
	}
	if (is_durable && (fsync(fd.get()) != 0 || (is_new && !sync_folder(path)))) return failed(path, "cannot be synced", errno);
	if (!fd.close()) return failed(path, "cannot be appended to", errno);
	return {};
}

} // namespace core::files
