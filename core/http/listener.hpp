// Where the server listens: addresses as they are written, sockets of our own and those handed over by systemd.
#pragma once
#include "http/link.hpp"
#include "http/request.hpp"
#include "result.hpp"

#include <sys/socket.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace core::http {

class Engine;

/// "127.0.0.1:8092", "[::1]:8092" or "unix:/run/x.sock", as the kernel wants it.
struct Where {
	sockaddr_storage address{};
	socklen_t size = 0;
	std::string path; // of a unix socket
	[[nodiscard]] static Result<Where> parse(std::string_view text);
	[[nodiscard]] const sockaddr *get() const noexcept { return reinterpret_cast<const sockaddr *>(&address); }
};

/// One open socket and those that come in by it. Loop thread; closed and (unix) unlinked at its end.
class Listener final {
public:
	struct Flags {
		bool is_legacy = false;
	};

	/// ADDRESS_TAKEN where another process has it. May block for the search of its name; is_legacy: that is left to the caller.
	[[nodiscard]] static Result<std::unique_ptr<Listener>> open(Engine &engine, const std::string &name, Flags flags);
	/// Takes over a socket that listens already.
	[[nodiscard]] static Result<std::unique_ptr<Listener>> adopt(Engine &engine, int fd, Flags flags);
	~Listener();
	Listener(const Listener &) = delete;
	Listener &operator=(const Listener &) = delete;

	const std::string name; // as written, or as the kernel names what was handed over
	[[nodiscard]] bool is_handed_over() const noexcept { return handed_over; }

private:
	Listener(Engine &engine, std::string name, Flags flags, std::string unlink_at, bool handed_over);
	[[nodiscard]] Result<void> start(int fd);
	bool admit(int fd);
	[[nodiscard]] bool speaks_tls() const noexcept;
	void take(std::unique_ptr<Link> link, const sockaddr *address);

	Engine &engine;
	Flags flags;
	std::string unlink_at;
	bool handed_over;
	std::shared_ptr<Acceptor> acceptor; // shared with its connections
};

/// Sockets handed over by systemd; once in a process.
[[nodiscard]] std::vector<int> handed_over_sockets();
/// "192.0.2.1:80", "[::1]:80", "unix:/path": the other way round.
[[nodiscard]] std::string text_of(const sockaddr *address, socklen_t size);

} // namespace core::http
