// One connection of libevhtp, and what accepts them. libevhtp is met here alone: it accepts, keeps the books of a connection
// and its one request, and buffers what goes out. It reads nothing itself: what a client writes is checked by Connection,
// and libevhtp is handed a short head of our own writing, so that none of it meets its parser.
#pragma once
#include "bind.hpp"
#include "http/tls.hpp"

#include <functional>
#include <initializer_list>
#include <memory>
#include <string_view>

struct bufferevent;
struct event_base;
struct evhtp;
struct evhtp_connection;
struct sockaddr;

namespace core {
class Reactor;
}

namespace core::http {

class Acceptor;

/// Loop thread; does not move. on_gone comes from inside free() or done(), as the last thing that happens to it.
class Link final {
public:
	struct Told {
		Bound<> on_flushed; // what waits has fallen to the low-water mark
		Bound<> on_broken;  // writing has failed
		Bound<> on_gone;
	};
	Link(Reactor &reactor, std::shared_ptr<Acceptor> acceptor, evhtp_connection *connection);
	~Link();
	Link(const Link &) = delete;
	Link &operator=(const Link &) = delete;
	void tell(Told who) noexcept { told = who; }

	[[nodiscard]] int fd() const noexcept { return socket; }
	/// A request begins.
	void open();
	/// It has been answered and flushed.
	void done();
	/// The connection ends, with all that waits.
	void free();
	/// libevhtp lets go of it: for a stream that does not end in another request.
	void take_over();

	/// From here on what is written is encrypted. Before anything else.
	void encrypt(std::shared_ptr<const TlsIdentity> identity) { tls = std::make_unique<Tls>(std::move(identity)); }
	[[nodiscard]] bool is_encrypted() const noexcept { return tls != nullptr; }
	/// As Tls::take; what follows from it has been answered. not_tls: plain from here on.
	Tls::State decrypt(std::string_view &bytes);

	/// Sends at once what the socket takes, keeps the rest. False: the other end is gone.
	bool write(std::initializer_list<std::string_view> pieces);
	/// Nothing more will be written, and the other end is told. Not while something waits.
	void end_writing();
	[[nodiscard]] std::size_t waiting() const noexcept;
	void set_low_water(std::size_t size);

private:
	Reactor &reactor;
	std::shared_ptr<Acceptor> acceptor; // shared: a listener may be removed while its connections live on
	evhtp_connection *connection;       // null once taken over
	bufferevent *bev;
	int socket;
	Told told{};
	std::unique_ptr<Tls> tls; // null: plain
	void take_callbacks();
	bool send(std::initializer_list<std::string_view> pieces);
	bool send_encrypted();
	void say_end();
};

/// Takes connections from one listening socket, which it owns. Loop thread.
class Acceptor final : public std::enable_shared_from_this<Acceptor> {
public:
	struct Takers {
		std::function<bool(int fd)> admit;                                     // false: refused, and answered
		std::function<void(std::unique_ptr<Link>, const sockaddr *peer)> take; // what was admitted
		std::function<void(int error)> starved;                                // accept has failed; the next try is 100 ms away
	};
	/// nullptr where libevhtp refuses the socket.
	static std::shared_ptr<Acceptor> make(Reactor &reactor, int fd, Takers takers);
	~Acceptor();
	Acceptor(const Acceptor &) = delete;
	Acceptor &operator=(const Acceptor &) = delete;
	/// No more new ones. Those that live keep this alive.
	void close();

private:
	friend class Link;
	Acceptor(Reactor &reactor, Takers takers);
	void on_rested() noexcept;
	struct Native;
	std::unique_ptr<Native> native;
	Reactor &reactor;
	Takers takers;
};

} // namespace core::http
