#include "http/link.hpp"

#include "reactor/watch.hpp"

#include <evhtp/evhtp.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

namespace core::http {

using namespace std::chrono_literals;

struct Acceptor::Native {
	Native(Reactor &reactor, Bound<> on_rested) : rest(reactor, on_rested) {}
	~Native()
	{
		if (listener) evconnlistener_free(listener);
		if (htp) evhtp_free(htp);
	}
	evhtp_t *htp = nullptr;
	evconnlistener *listener = nullptr;
	Timer rest;                                            // out of descriptors: not asked again until it is over
	bufferevent_data_cb read = nullptr, written = nullptr; // libevhtp's own callbacks, which it calls no more: we do
};

namespace {
constexpr std::string_view own_head = "GET / HTTP/1.1\r\n\r\n";
constexpr std::size_t most_unheard = 256 << 10;
} // namespace

// ---- one connection ----------------------------------------------------------------------------------------------------

Link::Link(Reactor &reactor_, std::shared_ptr<Acceptor> acceptor_, evhtp_connection *c)
	: reactor(reactor_), acceptor(std::move(acceptor_)), connection(c), bev(c->bev), socket(c->sock)
{
	bufferevent_event_cb event = nullptr;
	void *arg = nullptr;
	bufferevent_getcb(bev, &acceptor->native->read, &acceptor->native->written, &event, &arg);
	bufferevent_disable(bev, EV_READ);
	take_callbacks();
	const evhtp_hook_connection_fini_cb fini = [](evhtp_connection_t *, void *self) -> evhtp_res {
		auto *link = static_cast<Link *>(self);
		link->connection = nullptr;
		link->bev = nullptr;
		link->told.on_gone();
		return EVHTP_RES_OK;
	};
	evhtp_connection_set_hook(
		connection, evhtp_hook_on_connection_fini, reinterpret_cast<evhtp_hook>(reinterpret_cast<void (*)()>(fini)), this); // declared without arguments
}

Link::~Link()
{
	told = {};
	free();
	// libevhtp may still be on the stack, with this connection.
	if (acceptor.use_count() == 1) reactor.defer([last = std::move(acceptor)] {});
}

void Link::take_callbacks()
{
	bufferevent_setcb(
		bev, nullptr,
		[](bufferevent *, void *self) {
			auto *link = static_cast<Link *>(self);
			const Charge charge(link->reactor, link->reactor.core);
			link->told.on_flushed();
		},
		[](bufferevent *, short, void *self) {
			auto *link = static_cast<Link *>(self);
			const Charge charge(link->reactor, link->reactor.core);
			link->told.on_broken();
		},
		this);
}

void Link::open()
{
	// The end of an input buffer is frozen, its beginning is not; libevhtp's read callback drains it.
	evbuffer_prepend(bufferevent_get_input(bev), own_head.data(), own_head.size());
	acceptor->native->read(bev, connection);
}

void Link::done()
{
	evhtp_send_reply_end(connection->request);
	acceptor->native->written(bev, connection);
}

void Link::free()
{
	if (bev) say_end();
	if (connection) return evhtp_connection_free(connection); // the fini hook tells; this may have gone when it returns
	if (!bev) return;
	bufferevent_free(std::exchange(bev, nullptr));
	told.on_gone();
}

void Link::take_over()
{
	evhtp_connection_take_ownership(connection); // its hooks go without being called
	evhtp_connection_free(std::exchange(connection, nullptr));
	take_callbacks();
	bufferevent_enable(bev, EV_WRITE);
}

std::size_t Link::waiting() const noexcept { return evbuffer_get_length(bufferevent_get_output(bev)); }
void Link::set_low_water(std::size_t size) { bufferevent_setwatermark(bev, EV_WRITE, size, 0); }

bool Link::write(std::initializer_list<std::string_view> pieces)
{
	if (!tls) return send(pieces);
	return tls->put(pieces) && send_encrypted();
}

bool Link::send_encrypted()
{
	const std::string_view bytes = tls->to_send();
	const bool is_sent = bytes.empty() || send({bytes});
	Tls::sent();
	return is_sent;
}

Tls::State Link::decrypt(std::string_view &bytes)
{
	const Tls::State state = tls->take(bytes);
	if (state == Tls::State::not_tls) {
		tls.reset();
		return state;
	}
	// Who makes us speak (alerts, new keys) and does not listen has what waits for it bounded.
	const bool is_deaf = !tls->to_send().empty() && waiting() > most_unheard;
	return send_encrypted() && !is_deaf ? state : Tls::State::broken;
}

void Link::say_end()
{
	if (!tls || waiting() != 0 || !tls->say_end()) return;
	(void)send_encrypted();
}

void Link::end_writing()
{
	say_end();
	shutdown(socket, SHUT_WR);
}

bool Link::send(std::initializer_list<std::string_view> pieces)
{
	evbuffer *out = bufferevent_get_output(bev);
	std::size_t sent = 0;
	if (evbuffer_get_length(out) == 0) {
		std::array<iovec, 4> parts{};
		msghdr message{};
		message.msg_iov = parts.data();
		for (const std::string_view p : pieces) parts[message.msg_iovlen++] = {const_cast<char *>(p.data()), p.size()};
		const ssize_t n = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
		if (n > 0) sent = static_cast<std::size_t>(n);
	}
	for (std::string_view p : pieces) {
		const std::size_t skip = std::min(sent, p.size());
		sent -= skip;
		p.remove_prefix(skip);
		if (!p.empty() && evbuffer_add(out, p.data(), p.size()) != 0) return false;
	}
	return true;
}

// ---- what accepts them -------------------------------------------------------------------------------------------------

Acceptor::Acceptor(Reactor &reactor_, Takers takers_) : reactor(reactor_), takers(std::move(takers_))
{
	native = std::make_unique<Native>(reactor, bind<&Acceptor::on_rested>(this));
}

Acceptor::~Acceptor() = default;

std::shared_ptr<Acceptor> Acceptor::make(Reactor &reactor, int fd, Takers takers)
{
	std::shared_ptr<Acceptor> out(new Acceptor(reactor, std::move(takers)));
	evhtp_t *htp = evhtp_new(reactor.base(), out.get());
	out->native->htp = htp;
	evhtp_set_bev_flags(htp, BEV_OPT_CLOSE_ON_FREE); // without deferred callbacks: two system calls less a request
	evhtp_set_gencb(
		htp, [](evhtp_request_t *, void *) {}, nullptr); // the request is open; who called Link::open goes on
	evhtp_set_pre_accept_cb(
		htp,
		[](evhtp_connection_t *c, void *self) -> evhtp_res {
			auto *a = static_cast<Acceptor *>(self);
			const Charge charge(a->reactor, a->reactor.core);
			return a->native->listener && a->takers.admit(c->sock) ? EVHTP_RES_OK : EVHTP_RES_ERROR;
		},
		out.get());
	evhtp_set_post_accept_cb(
		htp,
		[](evhtp_connection_t *c, void *self) -> evhtp_res {
			auto *a = static_cast<Acceptor *>(self);
			const Charge charge(a->reactor, a->reactor.core);
			fcntl(c->sock, F_SETFD, FD_CLOEXEC);
			a->takers.take(std::make_unique<Link>(a->reactor, a->shared_from_this(), c), c->saddr);
			return EVHTP_RES_OK;
		},
		out.get());
	if (evhtp_accept_socket(htp, fd, 0) != 0) return nullptr;
	out->native->listener = std::exchange(htp->server, nullptr);
	// Out of descriptors or memory: the socket stays readable, so asking again at once would spin.
	evconnlistener_set_error_cb(out->native->listener, [](evconnlistener *listener, void *arg) {
		auto *a = static_cast<Acceptor *>(static_cast<evhtp_t *>(arg)->arg);
		const Charge charge(a->reactor, a->reactor.core);
		evconnlistener_disable(listener);
		a->native->rest.once(100ms);
		a->takers.starved(errno);
	});
	return out;
}

void Acceptor::on_rested() noexcept { evconnlistener_enable(native->listener); }

void Acceptor::close()
{
	native->rest.stop();
	if (native->listener) evconnlistener_free(std::exchange(native->listener, nullptr));
}

} // namespace core::http
