// Opens a file by a path that a stranger chose, and nothing outside the folder. May block: for workers.
#pragma once
#include <string>
#include <string_view>

namespace core::http {

/// A descriptor and nothing else: closes it, moves.
class OwnedFd final {
public:
	OwnedFd() = default;
	explicit OwnedFd(int fd_) noexcept : fd(fd_) {}
	OwnedFd(OwnedFd &&o) noexcept : fd(o.release()) {}
	OwnedFd &operator=(OwnedFd &&o) noexcept;
	~OwnedFd();
	[[nodiscard]] int get() const noexcept { return fd; }
	[[nodiscard]] int release() noexcept
	{
		const int f = fd;
		fd = -1;
		return f;
	}
	explicit operator bool() const noexcept { return fd >= 0; }

private:
	int fd = -1;
};

/// `path` below `folder`, for reading: a file or a folder, never a device that would wait. Symlinks are followed as long as
/// they stay beneath; where the kernel has no openat2 (before 5.6), none is. Empty on failure, with errno.
[[nodiscard]] OwnedFd open_beneath(const std::string &folder, const std::string &path);
/// The way without openat2, part by part; open_beneath falls back to it.
[[nodiscard]] OwnedFd open_by_parts(const std::string &folder, std::string_view path);

} // namespace core::http
