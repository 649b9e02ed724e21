#include "http/listener.hpp"

#include "http/address.hpp"
#include "http/authority.hpp"
#include "http/connection.hpp"
#include "http/engine.hpp"
#include "http/holder.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace core::http {

namespace {
constexpr int backlog = 511;

/// Owns a descriptor until it is released.
class Socket final {
public:
	explicit Socket(int fd_) noexcept : fd(fd_) {}
	~Socket()
	{
		if (fd >= 0) ::close(fd);
	}
	Socket(const Socket &) = delete;
	Socket &operator=(const Socket &) = delete;
	[[nodiscard]] int get() const noexcept { return fd; }
	[[nodiscard]] int release() noexcept { return std::exchange(fd, -1); }

private:
	int fd;
};

void set(int fd, int level, int option) noexcept
{
	const int on = 1;
	setsockopt(fd, level, option, &on, sizeof on);
}

/// A socket file that nobody listens on any more. Only after a connect has failed.
bool is_stale(const Where &where)
{
	struct stat s {};
	if (lstat(where.path.c_str(), &s) != 0 || !S_ISSOCK(s.st_mode)) return false;
	const Socket probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	return connect(probe.get(), where.get(), where.size) != 0 && errno == ECONNREFUSED;
}

constexpr const char *taken = "ADDRESS_TAKEN";

std::string taken_text(const std::string &name, const Where &where)
{
	const std::string holder = holder_of(where.get());
	return fmt::format("{} is taken {}; stop it, or give another address in [http] listen or with --listen", name,
		holder.empty() ? "by a process that the kernel does not show us" : "by " + holder);
}

Result<int> open_socket(const std::string &name, const Where &where)
{
	Socket s(socket(where.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	if (s.get() < 0) return fail(fmt::format("listen {}: no socket: {}", name, std::strerror(errno)));
	const bool is_unix = where.address.ss_family == AF_UNIX;
	if (!is_unix) {
		set(s.get(), SOL_SOCKET, SO_REUSEADDR);
		// Inherited by what is accepted. A stream's small pieces must not wait for each other.
		set(s.get(), SOL_SOCKET, SO_KEEPALIVE);
		set(s.get(), IPPROTO_TCP, TCP_NODELAY);
	}
	if (where.address.ss_family == AF_INET6) set(s.get(), IPPROTO_IPV6, IPV6_V6ONLY);
	int bound = bind(s.get(), where.get(), where.size);
	if (bound != 0 && errno == EADDRINUSE && is_unix && is_stale(where)) {
		unlink(where.path.c_str());
		bound = bind(s.get(), where.get(), where.size);
	}
	if (bound != 0) return fail(fmt::format("listen {}: {}", name, std::strerror(errno)), 500, errno == EADDRINUSE ? taken : "");
	if (is_unix) chmod(where.path.c_str(), 0660);
	if (::listen(s.get(), backlog) != 0) return fail(fmt::format("listen {}: {}", name, std::strerror(errno)), 500, errno == EADDRINUSE ? taken : "");
	return s.release();
}

void read_unix_peer(int fd, Peer &peer)
{
	peer.is_unix = true;
	ucred who{};
	socklen_t size = sizeof who;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return;
	peer.uid = who.uid;
	passwd entry{};
	passwd *found = nullptr;
	char text[1024];
	// Local files answer at once; a user whose name does not fit has none.
	if (getpwuid_r(who.uid, &entry, text, sizeof text, &found) == 0 && found) peer.user = found->pw_name;
}
} // namespace

Result<Where> Where::parse(std::string_view text)
{
	Where out;
	if (text.starts_with("unix:")) {
		out.path = text.substr(5);
		sockaddr_un un{};
		un.sun_family = AF_UNIX;
		if (out.path.empty() || out.path.front() != '/' || out.path.size() >= sizeof un.sun_path)
			return fail(fmt::format("listen {}: needs an absolute path of at most {} bytes", text, sizeof un.sun_path - 1), 400);
		std::memcpy(un.sun_path, out.path.c_str(), out.path.size() + 1);
		std::memcpy(&out.address, &un, sizeof un);
		out.size = sizeof un;
		return out;
	}
	const auto at = parse_authority(text);
	const bool has_port = at && text.ends_with(fmt::format(":{}", at->port)); // 0: any, for tests
	if (!at || !at->is_address || !has_port)
		return fail(fmt::format("listen {}: needs an address and a port, like 127.0.0.1:8092, [::1]:8092 or unix:/run/patchbay/http.sock", text), 400);
	sockaddr_in v4{};
	sockaddr_in6 v6{};
	if (inet_pton(AF_INET, at->host.c_str(), &v4.sin_addr) == 1) {
		v4.sin_family = AF_INET;
		v4.sin_port = htons(static_cast<std::uint16_t>(at->port));
		std::memcpy(&out.address, &v4, sizeof v4);
		out.size = sizeof v4;
	} else if (inet_pton(AF_INET6, at->host.c_str(), &v6.sin6_addr) == 1) {
		v6.sin6_family = AF_INET6;
		v6.sin6_port = htons(static_cast<std::uint16_t>(at->port));
		std::memcpy(&out.address, &v6, sizeof v6);
		out.size = sizeof v6;
	} else {
		return fail(fmt::format("listen {}: not an address", text), 400);
	}
	return out;
}

std::string text_of(const sockaddr *address, socklen_t size)
{
	if (address->sa_family == AF_UNIX) {
		const auto *un = reinterpret_cast<const sockaddr_un *>(address);
		return fmt::format("unix:{}", size > offsetof(sockaddr_un, sun_path) ? un->sun_path : "");
	}
	const auto a = Address::of(address);
	if (!a) return "socket";
	const bool is_v6 = address->sa_family == AF_INET6;
	const unsigned port = ntohs(is_v6 ? reinterpret_cast<const sockaddr_in6 *>(address)->sin6_port : reinterpret_cast<const sockaddr_in *>(address)->sin_port);
	return a->is_v4() ? fmt::format("{}:{}", a->text(), port) : fmt::format("[{}]:{}", a->text(), port);
}

std::vector<int> handed_over_sockets()
{
	std::vector<int> out;
	const int n = sd_listen_fds(1);
	for (int i = 0; i < n; ++i) out.push_back(SD_LISTEN_FDS_START + i);
	return out;
}

// ---- a listener ----------------------------------------------------------------------------------------------------------

Listener::Listener(Engine &engine_, std::string name_, Flags flags_, std::string unlink_at_, bool handed_over_)
	: name(std::move(name_)), engine(engine_), flags(flags_), unlink_at(std::move(unlink_at_)), handed_over(handed_over_)
{}

Listener::~Listener()
{
	if (acceptor) acceptor->close();
	if (!unlink_at.empty()) unlink(unlink_at.c_str());
}

Result<std::unique_ptr<Listener>> Listener::open(Engine &engine, const std::string &name, Flags flags)
{
	auto where = Where::parse(name);
	if (!where) return tl::unexpected(std::move(where.error()));
	auto fd = open_socket(name, *where);
	if (!fd && fd.error().code == taken && !flags.is_legacy) fd.error().text = taken_text(name, *where);
	if (!fd) return tl::unexpected(std::move(fd.error()));
	std::unique_ptr<Listener> out(new Listener(engine, name, flags, where->path, false));
	if (auto started = out->start(*fd); !started) return tl::unexpected(std::move(started.error()));
	return out;
}

Result<std::unique_ptr<Listener>> Listener::adopt(Engine &engine, int fd, Flags flags)
{
	sockaddr_storage a{};
	socklen_t size = sizeof a;
	if (getsockname(fd, reinterpret_cast<sockaddr *>(&a), &size) != 0 || sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
		return fail(fmt::format("descriptor {} from systemd is no listening stream socket", fd));
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (a.ss_family != AF_UNIX) set(fd, IPPROTO_TCP, TCP_NODELAY);
	std::unique_ptr<Listener> out(new Listener(engine, text_of(reinterpret_cast<sockaddr *>(&a), size), flags, {}, true));
	if (auto started = out->start(fd); !started) return tl::unexpected(std::move(started.error()));
	return out;
}

Result<void> Listener::start(int fd)
{
	acceptor = Acceptor::make(engine.needs.reactor, fd,
		{
			[this](int socket) { return admit(socket); },
			[this](std::unique_ptr<Link> link, const sockaddr *address) { take(std::move(link), address); },
			[this](int error) {
				++engine.figures.starved;
				engine.needs.log.warn("accept has failed; the next try is in 100 ms", {{"listener", name}, {"reason", std::strerror(error)}});
			},
		});
	if (acceptor) return {};
	::close(fd);
	return fail(fmt::format("listen {}: libevhtp refuses the socket", name));
}

bool Listener::speaks_tls() const noexcept { return engine.identity && !flags.is_legacy && !name.starts_with("unix:"); }

/// Past the limit: a whole answer, and no reset before it has been read.
bool Listener::admit(int fd)
{
	if (engine.connections().size() < engine.max_connections && !engine.is_stopping) return true;
	++engine.figures.capped;
	if (speaks_tls()) return false; // a handshake for a refusal is what whoever floods us would like
	const std::string body = error_body(
		{engine.is_stopping ? "the daemon is stopping" : fmt::format("all {} connections are in use; try again", engine.max_connections), 503, {}, {}});
	const std::string reply = fmt::format("{}Content-Type: application/json\r\nContent-Length: {}\r\n{}Retry-After: 1\r\nConnection: close\r\n\r\n{}",
		status_line(503), body.size(), engine.date.now(), body);
	(void)!send(fd, reply.data(), reply.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(fd, SHUT_WR);
	char unread[4096];
	while (recv(fd, unread, sizeof unread, MSG_DONTWAIT) > 0) {}
	return false;
}

void Listener::take(std::unique_ptr<Link> link, const sockaddr *address)
{
	auto peer = std::make_shared<Peer>();
	peer->listener = name;
	peer->is_legacy = flags.is_legacy;
	if (speaks_tls()) {
		link->encrypt(engine.identity);
		peer->is_tls = true;
	}
	if (address->sa_family == AF_UNIX) {
		read_unix_peer(link->fd(), *peer);
	} else if (const auto a = Address::of(address)) {
		peer->address = a->text();
		peer->is_loopback = a->is_loopback();
		peer->port = ntohs(address->sa_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6 *>(address)->sin6_port
														  : reinterpret_cast<const sockaddr_in *>(address)->sin_port);
	}
	new Connection(engine, std::move(link), std::move(peer)); // owns itself
}

} // namespace core::http
