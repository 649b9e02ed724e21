#include "http/open_beneath.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace core::http {

namespace {
constexpr int for_reading = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY; // nonblocking: opening a FIFO must not wait

OwnedFd open_folder(const std::string &folder) { return OwnedFd(open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)); }
} // namespace

OwnedFd &OwnedFd::operator=(OwnedFd &&o) noexcept
{
	if (this == &o) return *this;
	if (fd >= 0) close(fd);
	fd = o.release();
	return *this;
}

OwnedFd::~OwnedFd()
{
	if (fd >= 0) close(fd);
}

OwnedFd open_beneath(const std::string &folder, const std::string &path)
{
	const OwnedFd root = open_folder(folder);
	if (!root) return {};
	open_how how{};
	how.flags = for_reading;
	how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
	const std::string name = path.empty() ? "." : path;
	for (int tries = 0; tries < 8; ++tries) {
		const auto fd = static_cast<int>(syscall(SYS_openat2, root.get(), name.c_str(), &how, sizeof how));
		if (fd >= 0) return OwnedFd(fd);
		if (errno != EAGAIN && errno != EINTR) break; // EAGAIN: something was renamed meanwhile
	}
	if (errno != ENOSYS && errno != EPERM) return {}; // EPERM: a container's filter that does not know the call
	return open_by_parts(folder, path);
}

OwnedFd open_by_parts(const std::string &folder, std::string_view path)
{
	OwnedFd at = open_folder(folder);
	if (at && path.empty()) return OwnedFd(openat(at.get(), ".", for_reading | O_DIRECTORY));
	while (at && !path.empty()) {
		const std::size_t slash = path.find('/');
		const std::string part(path.substr(0, slash));
		const bool is_last = slash == std::string_view::npos || slash + 1 == path.size();
		path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
		if (part.empty() || part == "." || part == "..") {
			errno = ENOENT;
			return {};
		}
		const int how = is_last ? for_reading | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
		at = OwnedFd(openat(at.get(), part.c_str(), how));
		if (is_last) break;
	}
	return at;
}

} // namespace core::http
