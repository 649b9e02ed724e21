#include "doctor/gpsd_probe.hpp"

#include "look.hpp"
#include "terminal/units.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace ctl {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds connect_limit{2000}, listen_limit{4000};
constexpr std::size_t longest_line = 64 * 1024;
constexpr std::string_view ask = "?WATCH={\"enable\":true,\"json\":true};\n";

class Socket final {
public:
	explicit Socket(int fd_) : fd(fd_) {}
	Socket(const Socket &) = delete;
	Socket &operator=(const Socket &) = delete;
	Socket(Socket &&other) noexcept : fd(std::exchange(other.fd, -1)) {}
	Socket &operator=(Socket &&) = delete;
	~Socket()
	{
		if (fd >= 0) close(fd);
	}
	int fd;
};

bool wait_for(int fd, short what, Clock::time_point until)
{
	for (;;) {
		const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
		pollfd p{fd, what, 0};
		const int n = poll(&p, 1, left > 0 ? static_cast<int>(left) : 0);
		if (n != -1 || errno != EINTR) return n == 1;
	}
}

/// Connected, or why not.
Socket connected(const std::string &host, const std::string &port, std::string &why)
{
	addrinfo hints{}, *found = nullptr;
	hints.ai_socktype = SOCK_STREAM;
	if (const int bad = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); bad != 0) return why = gai_strerror(bad), Socket(-1);
	const std::unique_ptr<addrinfo, void (*)(addrinfo *)> addresses(found, &freeaddrinfo);
	for (const addrinfo *a = found; a; a = a->ai_next) {
		Socket s(socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
		if (s.fd < 0) continue;
		int error = connect(s.fd, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
		if (error == EINPROGRESS) {
			socklen_t size = sizeof error;
			if (!wait_for(s.fd, POLLOUT, Clock::now() + connect_limit)) error = ETIMEDOUT;
			else getsockopt(s.fd, SOL_SOCKET, SO_ERROR, &error, &size);
		}
		if (error == 0) return s;
		why = std::strerror(error);
	}
	return Socket(-1);
}

void take_line(std::string_view line, GpsdLook &look)
{
	const pb::Json json = pb::Json::parse(line);
	const std::string_view what = pb::text_at(json.get(), "class");
	if (what == "VERSION") look.is_gpsd = true;
	if (what == "DEVICES") {
		look.has_told_devices = true;
		look.devices.clear();
		for (const json_t *d : Entries(pb::at(json.get(), "devices")))
			look.devices.push_back({std::string(pb::text_at(d, "path")), !pb::text_at(d, "driver").empty() || pb::at(d, "activated") != nullptr});
	}
	if (what == "TPV" && pb::integer_at(json.get(), "mode") >= 2) {
		const auto ahead = age_of(pb::text_at(json.get(), "time"));
		if (ahead) look.clock_ahead = ahead->count();
	}
}

} // namespace

GpsdLook look_at_gpsd(const std::string &host, const std::string &port)
{
	GpsdLook look;
	const Socket s = connected(host, port, look.failure);
	if (s.fd < 0) return look;
	const auto until = Clock::now() + listen_limit;
	(void)send(s.fd, ask.data(), ask.size(), MSG_NOSIGNAL);
	std::string half;
	std::array<char, 16384> bytes{};
	const auto is_done = [&look] { return look.has_told_devices && (look.devices.empty() || look.clock_ahead); };
	while (!is_done() && wait_for(s.fd, POLLIN, until)) {
		const ssize_t n = recv(s.fd, bytes.data(), bytes.size(), 0);
		if (n <= 0) break;
		half.append(bytes.data(), static_cast<std::size_t>(n));
		for (std::size_t end; (end = half.find('\n')) != std::string::npos; half.erase(0, end + 1)) take_line(std::string_view(half).substr(0, end), look);
		if (half.size() > longest_line) break;
	}
	return look;
}

} // namespace ctl
