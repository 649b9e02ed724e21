// Owns one file descriptor.
#pragma once
#include <unistd.h>

#include <utility>

namespace procs {

class UniqueFd {
public:
	UniqueFd() noexcept = default;
	explicit UniqueFd(int fd_) noexcept : fd(fd_) {}
	UniqueFd(UniqueFd &&o) noexcept : fd(std::exchange(o.fd, -1)) {}
	UniqueFd &operator=(UniqueFd &&o) noexcept
	{
		if (this != &o) reset(std::exchange(o.fd, -1));
		return *this;
	}
	~UniqueFd() { reset(); }
	void reset(int next = -1) noexcept
	{
		if (fd >= 0) ::close(fd);
		fd = next;
	}
	[[nodiscard]] int get() const noexcept { return fd; }
	explicit operator bool() const noexcept { return fd >= 0; }

private:
	int fd = -1;
};

} // namespace procs
