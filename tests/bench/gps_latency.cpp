// From a line of gpsd to the clients of the event stream: how long it takes, for 100 of them. Plays gpsd itself, so that both
// ends are on one clock.
//   gps_latency bare CLIENTS ROUNDS        a child that only copies each line to all clients
//   gps_latency patchbayd CLIENTS ROUNDS   prints its gpsd port, reads patchbayd's HTTP port
// Prints one JSON object: microseconds from the write of the line to its arrival, over all clients and rounds.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto period = 50ms; // 20 Hz: more than receivers do, and time enough to come to rest

[[noreturn]] void fail(const char *what)
{
	std::fprintf(stderr, "gps_latency: %s: %s\n", what, std::strerror(errno));
	std::exit(1);
}

int listen_on(std::uint16_t &port)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sockaddr_in a{};
	a.sin_family = AF_INET;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	socklen_t size = sizeof a;
	if (fd < 0 || bind(fd, reinterpret_cast<sockaddr *>(&a), sizeof a) != 0 || listen(fd, 512) != 0) fail("listen");
	getsockname(fd, reinterpret_cast<sockaddr *>(&a), &size);
	port = ntohs(a.sin_port);
	return fd;
}

int quick(int fd)
{
	const int one = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

int connect_to(std::uint16_t port)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sockaddr_in a{};
	a.sin_family = AF_INET;
	a.sin_port = htons(port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, reinterpret_cast<sockaddr *>(&a), sizeof a) != 0) fail("connect");
	return quick(fd);
}

void write_all(int fd, const std::string &text)
{
	for (std::size_t at = 0; at < text.size();) {
		const auto n = send(fd, text.data() + at, text.size() - at, MSG_NOSIGNAL);
		if (n <= 0) fail("send");
		at += static_cast<std::size_t>(n);
	}
}

/// Accepts the source, then the clients, and copies what the source says to all of them.
[[noreturn]] void copy_lines(int listener, int clients)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	const int source = accept(listener, nullptr, nullptr);
	std::vector<int> to;
	for (int i = 0; i < clients; ++i) to.push_back(quick(accept(listener, nullptr, nullptr)));
	std::vector<char> buffer(65536);
	for (;;) {
		const auto n = recv(source, buffer.data(), buffer.size(), 0);
		if (n <= 0) _exit(0);
		for (const int fd : to)
			if (send(fd, buffer.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL) != n) _exit(1);
	}
}

/// A TPV as long as real ones; its latitude tells which one it is.
std::string line_of(int round)
{
	char out[1024];
	std::snprintf(out, sizeof out,
		"{\"class\":\"TPV\",\"device\":\"/dev/"
		"ttyUSB0\",\"mode\":3,\"time\":\"2026-11-24T02:%02d:%02d.000Z\",\"ept\":0.005,\"lat\":%d.5,\"lon\":13.406159617,\"altHAE\":79.6000,"
		"\"altMSL\":34.7000,\"alt\":34.7000,\"epx\":9.975,\"epy\":10.996,\"epv\":35.190,\"track\":66.0000,\"magtrack\":70.0594,\"magvar\":4.1,\"speed\":%d.002,"
		"\"climb\":0.100,"
		"\"epd\":84.9042,\"eps\":21.99,\"epc\":70.38,\"geoidSep\":44.900,\"eph\":18.050,\"sep\":34.200}\r\n",
		round / 60 % 60, round % 60, round % 80, 10000 + round);
	return out;
}

/// What stands in the event, and in the bare line, of one round and no other.
std::string mark_of(int round) { return "\"speed\":" + std::to_string(10000 + round) + ".002"; }

struct Client {
	int fd;
	std::string tail; // of what came: the mark may be cut
};

class Bench final {
public:
	Bench(int source_, std::vector<int> fds) : source(source_)
	{
		epoll = epoll_create1(EPOLL_CLOEXEC);
		for (const int fd : fds) clients.push_back({fd, {}});
		for (std::size_t i = 0; i < clients.size(); ++i) {
			epoll_event e{};
			e.events = EPOLLIN;
			e.data.u64 = i;
			epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &e);
		}
	}
	/// False: not all clients have got it within 5 s.
	bool round(int number, bool is_counted)
	{
		const auto mark = mark_of(number);
		const auto line = line_of(number);
		const auto began = Clock::now();
		write_all(source, line);
		std::size_t left = clients.size();
		while (left > 0) {
			epoll_event events[128];
			const int n = epoll_wait(epoll, events, 128, 5000);
			if (n <= 0) return false;
			for (int i = 0; i < n; ++i) {
				Client &c = clients[events[i].data.u64];
				char buffer[16384];
				const auto got = recv(c.fd, buffer, sizeof buffer, 0);
				const auto now = Clock::now();
				if (got <= 0) fail("a client was left");
				c.tail.append(buffer, static_cast<std::size_t>(got));
				if (c.tail.find(mark) != c.tail.npos) {
					--left;
					if (is_counted) times.push_back(std::chrono::duration<double, std::micro>(now - began).count());
					c.tail.clear();
				} else if (c.tail.size() > 64) {
					c.tail.erase(0, c.tail.size() - 64);
				}
			}
		}
		return true;
	}
	void report(const char *what)
	{
		std::sort(times.begin(), times.end());
		const auto at = [&](double p) { return times[std::min(times.size() - 1, static_cast<std::size_t>(p * static_cast<double>(times.size())))]; };
		std::printf("{\"what\":\"%s\",\"clients\":%zu,\"samples\":%zu,\"p50_us\":%.0f,\"p90_us\":%.0f,\"p99_us\":%.0f,\"max_us\":%.0f}\n", what, clients.size(),
			times.size(), at(0.5), at(0.9), at(0.99), times.back());
	}

private:
	int source, epoll;
	std::vector<Client> clients;
	std::vector<double> times;
};

} // namespace

int main(int argc, char **argv)
{
	if (argc != 4) return 2;
	const bool is_bare = std::string(argv[1]) == "bare";
	const int clients = std::atoi(argv[2]), rounds = std::atoi(argv[3]);
	std::uint16_t port = 0;
	const int listener = listen_on(port);
	int source = -1;
	std::vector<int> fds;
	if (is_bare) {
		if (fork() == 0) copy_lines(listener, clients);
		source = connect_to(port);
		for (int i = 0; i < clients; ++i) fds.push_back(connect_to(port));
	} else {
		std::printf("%u\n", port);
		std::fflush(stdout);
		int http = 0;
		if (std::scanf("%d", &http) != 1) return 2;
		source = quick(accept(listener, nullptr, nullptr));
		write_all(source, "{\"class\":\"VERSION\",\"release\":\"3.22\"}\r\n{\"class\":\"DEVICES\",\"devices\":[{\"class\":\"DEVICE\",\"path\":\"/dev/"
						  "ttyUSB0\"}]}\r\n{\"class\":\"WATCH\"}\r\n");
		for (int i = 0; i < clients; ++i) {
			fds.push_back(connect_to(static_cast<std::uint16_t>(http)));
			write_all(fds.back(), "GET /api/webhook/events?topics=gps/fix HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
		}
	}
	Bench bench(source, fds);
	for (int i = 0; i < rounds + 20; ++i) {
		const auto due = Clock::now() + period;
		if (!bench.round(i, i >= 20) && i >= 20) fail("a line did not arrive");
		std::this_thread::sleep_until(due);
	}
	bench.report(argv[1]);
	close(source);
}
