// An owned file descriptor.
#pragma once
#include <unistd.h>

#include <utility>

namespace locks {

class Fd final {
public:
	explicit Fd(int fd_ = -1) noexcept : fd(fd_) {}
	Fd(Fd &&o) noexcept : fd(std::exchange(o.fd, -1)) {}
	Fd &operator=(Fd &&o) noexcept
	{
		std::swap(fd, o.fd);
		return *this;
	}
	~Fd()
	{
		if (fd >= 0) ::close(fd);
	}
	[[nodiscard]] int get() const noexcept { return fd; }
	explicit operator bool() const noexcept { return fd >= 0; }

private:
	int fd;
};

} // namespace locks
