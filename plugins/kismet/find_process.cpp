#include "kismet/find_process.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

namespace kismet {
namespace {

std::string content(const std::string &path)
{
	const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
	if (fd < 0) return {};
	std::array<char, 4096> buffer{};
	const ssize_t n = ::read(fd, buffer.data(), buffer.size());
	::close(fd);
	return n > 0 ? std::string(buffer.data(), static_cast<std::size_t>(n)) : std::string();
}

bool is_it(const std::string &folder, const std::string &name)
{
	std::string comm = content(folder + "/comm");
	if (comm.ends_with('\n')) comm.pop_back();
	const std::string arguments = content(folder + "/cmdline"); // empty: a zombie, or the kernel's own
	if (arguments.empty()) return false;
	const std::string first = arguments.substr(0, arguments.find('\0'));
	return comm == name.substr(0, 15) || first.substr(first.rfind('/') + 1) == name;
}

} // namespace

bool has_process(const std::string &name)
{
	const std::unique_ptr<DIR, int (*)(DIR *)> proc(::opendir("/proc"), &::closedir);
	while (const dirent *e = proc ? ::readdir(proc.get()) : nullptr)
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && is_it(std::string("/proc/") + e->d_name, name)) return true;
	return false;
}

int try_to_connect(const std::string &address, unsigned short port)
{
	sockaddr_storage to{};
	socklen_t size = 0;
	if (auto *four = reinterpret_cast<sockaddr_in *>(&to); ::inet_pton(AF_INET, address.c_str(), &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		size = sizeof *four;
	} else if (auto *six = reinterpret_cast<sockaddr_in6 *>(&to); ::inet_pton(AF_INET6, address.c_str(), &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		size = sizeof *six;
	} else {
		return EADDRNOTAVAIL;
	}
	const int fd = ::socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) return errno;
	int error = ::connect(fd, reinterpret_cast<const sockaddr *>(&to), size) == 0 ? 0 : errno;
	if (error == EINPROGRESS) {
		pollfd p{fd, POLLOUT, 0};
		socklen_t n = sizeof error;
		if (::poll(&p, 1, 2000) != 1) error = ETIMEDOUT;
		else if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0) error = errno;
	}
	::close(fd);
	return error;
}

bool is_own_address(const std::string &address)
{
	if (address.starts_with("127.") || address == "::1") return true;
	ifaddrs *raw = nullptr;
	if (::getifaddrs(&raw) != 0) return false;
	const std::unique_ptr<ifaddrs, void (*)(ifaddrs *)> all(raw, &::freeifaddrs);
	for (const ifaddrs *a = all.get(); a; a = a->ifa_next) {
		std::array<char, INET6_ADDRSTRLEN> text{};
		if (!a->ifa_addr) continue;
		if (a->ifa_addr->sa_family == AF_INET) ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in *>(a->ifa_addr)->sin_addr, text.data(), text.size());
		else if (a->ifa_addr->sa_family == AF_INET6)
			::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6 *>(a->ifa_addr)->sin6_addr, text.data(), text.size());
		if (address == text.data()) return true;
	}
	return false;
}

} // namespace kismet
