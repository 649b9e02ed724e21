#include "http/connection.hpp"

#include "http/dispatch.hpp"
#include "http/engine.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace core::http {

namespace {
constexpr std::size_t most_waiting = 64 << 10; // bytes kept of what comes while a request is with its route
constexpr std::uint64_t slowest_body = 16;     // bytes a ms that earn a body more time
constexpr std::size_t most_kept = 4096;        // memory that an idle connection may keep
// One for all connections: what is left of it after a callback is copied.
std::array<char, 64 << 10> read_buffer;
} // namespace

Connection::Connection(Engine &engine_, std::unique_ptr<Link> link_, std::shared_ptr<const Peer> peer_)
	: engine(engine_), peer(std::move(peer_)), link(std::move(link_)), readable(engine_.needs.reactor, link->fd(), bind<&Connection::on_readable>(this))
{
	link->tell({bind<&Connection::on_flushed>(this), bind<&Connection::on_broken>(this), bind<&Connection::on_gone>(this)});
	engine.add(*this);
	set_due(Engine::head_wait);
	readable.watch(PB_READ);
}

Connection::~Connection() { engine.remove(*this); }

// ---- what the socket and the link tell -----------------------------------------------------------------------------------

void Connection::on_readable(int fd, std::uint32_t) noexcept
{
	const ssize_t n = recv(fd, read_buffer.data(), read_buffer.size(), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (n <= 0) return link->free(); // left, also where only one half is closed: nobody waits for the answer
	engine.figures.bytes_in += static_cast<std::uint64_t>(n);
	const std::string_view fresh(read_buffer.data(), static_cast<std::size_t>(n));
	if (link->is_encrypted()) on_encrypted(fresh);
	else run(fresh);
}

void Connection::on_encrypted(std::string_view fresh)
{
	const Tls::State state = link->decrypt(fresh);
	if (state == Tls::State::not_tls) {
		refuse({400, "this port speaks TLS: ask by https"}, false);
		run({});
		return;
	}
	if (state == Tls::State::broken) ++engine.figures.tls_failed;
	if (!fresh.empty() && !run(fresh)) return;
	if (state != Tls::State::good) link->free(); // left, as in on_readable
}

void Connection::on_flushed() noexcept
{
	if (stream) stream->drained(); // may end it
	if (link->waiting() == 0) run({});
}

void Connection::on_broken() noexcept { link->free(); }

void Connection::on_gone() noexcept
{
	readable.watch(0);
	is_gone = true;
	if (request) {
		++engine.figures.cancelled;
		std::exchange(request, nullptr)->abandon();
	}
	if (stream) stream->closed();
	if (!is_running) delete this;
}

// ---- the gate ------------------------------------------------------------------------------------------------------------

/// Works on what has come. False: this is gone.
bool Connection::run(std::string_view fresh)
{
	if (is_running) return true; // the one up the stack goes on
	const bool is_kept = !rest.empty();
	if (is_kept) rest.append(fresh);
	input = is_kept ? std::string_view(rest) : fresh;
	is_running = true;
	while (!is_gone && step()) {}
	is_running = false;
	if (is_gone) {
		delete this;
		return false;
	}
	if (is_kept) rest.erase(0, rest.size() - input.size());
	else rest.assign(input);
	input = {};
	if (rest.empty() && rest.capacity() > most_kept) std::string().swap(rest);
	watch();
	return true;
}

bool Connection::step()
{
	switch (phase) {
	case Phase::head: return step_head();
	case Phase::body: return step_body();
	case Phase::busy: return step_busy();
	case Phase::upgraded: return step_upgraded();
	case Phase::lingering: break;
	}
	input = {};
	return false;
}

bool Connection::step_head()
{
	while (input.starts_with("\r\n")) input.remove_prefix(2); // some clients put an empty line behind a body
	if (input.empty() || input == "\r") return false;
	switch (head_end.look(input, engine.limits)) {
	case HeadEnd::State::found: begin_request(head_end.size); return true;
	case HeadEnd::State::refused: refuse(head_end.why, input.starts_with("HEAD ")); return true;
	case HeadEnd::State::more: break;
	}
	if (!std::exchange(has_begun, true)) set_due(Engine::head_wait);
	return false;
}

void Connection::begin_request(std::size_t head_size)
{
	Request &r = engine.take();
	r.bytes.assign(input.substr(0, head_size));
	input.remove_prefix(head_size);
	head_end = {};
	has_begun = false;
	if (const Refusal why = parse_head(r.bytes, r.head)) {
		const bool is_head = r.is_head();
		engine.give_back(r);
		return refuse(why, is_head);
	}
	r.connection = this;
	r.from = peer;
	request = &r;
	due = 0;
	phase = Phase::busy;
	is_answered = must_linger = is_streaming_body = is_body_paused = false;
	must_end = !r.head.is_keep_alive || engine.is_leaving;
	body_kind = r.head.is_chunked ? BodyKind::chunked : r.head.content_length != 0 ? BodyKind::length : BodyKind::none;
	left = r.head.content_length;
	body_size = 0;
	chunks = {};
	link->open();
	const Dispatch dispatch(engine);
	const Dispatch::Next next = dispatch.on_head(r, body_limit);
	if (next == Dispatch::Next::answered) return;
	is_streaming_body = next == Dispatch::Next::stream_body;
	if (body_kind == BodyKind::none) return dispatch.run(r);
	if (r.head.expects_continue && input.empty()) link->write({"HTTP/1.1 100 Continue\r\n\r\n"});
	body_began = Engine::now();
	set_due(Engine::body_wait);
	if (is_streaming_body) return dispatch.run(r);
	if (body_kind == BodyKind::length) r.body.reserve(left);
	phase = Phase::body;
}

bool Connection::take_body(std::string_view &piece)
{
	piece = {};
	if (body_kind == BodyKind::length) {
		piece = input.substr(0, std::min<std::uint64_t>(left, input.size()));
		input.remove_prefix(piece.size());
		left -= piece.size();
		if (left == 0) body_kind = BodyKind::none;
	} else {
		const Chunks::Piece p = chunks.take(input);
		if (p.why) {
			must_end = must_linger = true;
			++engine.figures.refused[400];
			refuse_body({p.why, 400, {}, {}});
			return false;
		}
		input.remove_prefix(p.used);
		piece = p.data;
		if (p.is_end) body_kind = BodyKind::none;
		if (piece.empty() && !p.is_end) return p.used != 0 && !input.empty();
	}
	body_size += piece.size();
	if (body_size > body_limit) {
		must_end = must_linger = true;
		refuse_body(Dispatch::too_large(body_limit));
		return false;
	}
	// Slow but steady is fine: what comes earns time.
	due = body_began + Engine::body_wait.count() + static_cast<std::int64_t>(body_size / slowest_body);
	engine.due_at(due);
	return true;
}

/// Its handler may have it already, where the body is streamed.
void Connection::refuse_body(const Error &error)
{
	if (is_streaming_body) request->overrule(error);
	else request->fail(error);
}

bool Connection::step_body()
{
	std::string_view piece;
	while (body_kind != BodyKind::none) {
		if (input.empty()) return false;
		if (!take_body(piece)) return is_answered || is_gone;
		request->body.append(piece);
	}
	due = 0;
	phase = Phase::busy;
	Dispatch(engine).run(*request);
	return true;
}

bool Connection::step_busy()
{
	if (is_answered) return settle();
	if (!is_streaming_body || !request || !request->taker || is_body_paused) return false;
	if (body_kind != BodyKind::none && !input.empty()) {
		std::string_view piece;
		if (!take_body(piece)) return is_answered || is_gone;
		if (!piece.empty()) Dispatch(engine).give_body(*request, piece);
		return true;
	}
	if (body_kind != BodyKind::none) return false;
	is_streaming_body = false;
	due = 0;
	Dispatch(engine).give_body(*request, {});
	return true;
}

bool Connection::step_upgraded()
{
	if (is_answered || !stream) return settle();
	if (input.empty()) return false;
	stream->data(std::exchange(input, {}));
	return true;
}

/// Answered: once all has gone out, the next request's turn, or the end. True: look at what comes next.
bool Connection::settle()
{
	if (!is_answered || link->waiting() != 0) return false;
	if (must_end) {
		if (must_linger || !input.empty() || phase == Phase::upgraded) {
			linger();
			return true;
		}
		link->free();
		return false;
	}
	input.remove_prefix(static_cast<std::size_t>(left)); // a body that nobody wanted: it has come, see answer()
	left = 0;
	link->done();
	is_answered = false;
	phase = Phase::head;
	set_due(Engine::idle_wait);
	return true;
}

/// Where bytes of the client are still unread, an immediate close would reset the connection and lose the reply.
void Connection::linger()
{
	phase = Phase::lingering;
	link->end_writing();
	set_due(Engine::linger_wait);
}

void Connection::refuse(const Refusal &why, bool is_head)
{
	++engine.figures.refused[why.status];
	const std::string body = error_body({why.text, why.status, {}, {}});
	const std::string head = fmt::format("{}Content-Type: application/json\r\nContent-Length: {}\r\n{}{}Connection: close\r\n\r\n", status_line(why.status),
		body.size(), why.status == 405 ? "Allow: GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS\r\n" : "", engine.date.now());
	write({head, is_head ? std::string_view() : std::string_view(body)});
	if (link->waiting() != 0) set_due(Engine::write_wait);
	is_answered = must_end = must_linger = true;
	phase = Phase::busy; // no request is open: settle() ends the connection
	input = {};
}

// ---- answers -------------------------------------------------------------------------------------------------------------

/// What is left of a request's body, where it has come whole and only needs to be passed over.
bool Connection::skips_rest_of_body()
{
	if (body_kind == BodyKind::none) return true;
	if (body_kind != BodyKind::length || left > (is_running ? input : std::string_view(rest)).size()) return false;
	body_kind = BodyKind::none;
	return true;
}

void Connection::answer(Request &r, std::string_view first_lines, std::string_view content)
{
	if (!skips_rest_of_body()) must_end = must_linger = true;
	if (engine.is_leaving) must_end = true;
	const std::string_view last_lines = engine.tail_of(r, must_end);
	request = nullptr;
	is_answered = true;
	if (phase == Phase::body) phase = Phase::busy; // before its body was whole
	due = 0;
	write({first_lines, last_lines, content});
	if (link->waiting() != 0) set_due(Engine::write_wait);
	if (!is_running) engine.later(*this);
}

Stream &Connection::begin_stream(Request &r, std::string_view first_lines, std::unique_ptr<Stream> s, bool is_upgrade)
{
	if (!skips_rest_of_body()) must_end = must_linger = true;
	if (is_upgrade) must_end = true;
	const std::string_view last_lines = is_upgrade ? std::string_view("\r\n") : engine.tail_of(r, must_end);
	request = nullptr;
	due = 0;
	stream = std::move(s);
	++engine.figures.streams;
	if (is_upgrade) {
		phase = Phase::upgraded;
		link->take_over();
	}
	write({first_lines, last_lines});
	if (!is_running) engine.later(*this);
	return *stream;
}

void Connection::limit_send_buffer(std::size_t size) noexcept
{
	const int half = static_cast<int>(size / 2); // the kernel doubles it for its books
	setsockopt(link->fd(), SOL_SOCKET, SO_SNDBUF, &half, sizeof half);
}

void Connection::stream_ended(bool is_whole)
{
	stream.reset();
	--engine.figures.streams;
	is_answered = true;
	if (!is_whole) must_end = true;
	if (link->waiting() != 0) set_due(Engine::write_wait);
	if (!is_running) engine.later(*this);
}

bool Connection::write(std::initializer_list<std::string_view> pieces)
{
	std::size_t size = 0;
	for (const std::string_view p : pieces) size += p.size();
	engine.figures.bytes_out += size;
	queued += size;
	if (link->write(pieces)) return true;
	close_later();
	return false;
}

// ---- the engine's side ---------------------------------------------------------------------------------------------------

void Connection::proceed()
{
	if (is_closing) return link->free();
	run({});
}

void Connection::close_later()
{
	is_closing = true;
	engine.later(*this);
}

void Connection::pause_body(bool is_paused)
{
	is_body_paused = is_paused;
	if (is_paused) due = 0; // the route's deadline counts
	else {
		body_began = Engine::now() - static_cast<std::int64_t>(body_size / slowest_body);
		set_due(Engine::body_wait);
	}
	engine.later(*this);
}

void Connection::set_due(std::chrono::milliseconds wait)
{
	due = Engine::now() + wait.count();
	engine.due_at(due);
}

/// Reads on, unless what has come already waits for the present request.
void Connection::watch()
{
	const bool is_full = rest.size() >= most_waiting && phase == Phase::busy;
	readable.watch(is_full ? 0 : PB_READ);
	if (is_full && due == 0) set_due(std::chrono::seconds(1)); // to look whether the client is still there
}

/// Whether the client takes what waits for it, however slowly.
bool Connection::makes_progress()
{
	const std::uint64_t sent = queued - link->waiting();
	return std::exchange(sent_before, sent) != sent;
}

void Connection::check_due(std::int64_t now)
{
	if (due == 0 || due > now) return;
	due = 0;
	if (phase == Phase::lingering) return link->free();
	if (is_answered || stream) {
		if (link->waiting() == 0) return;
		return makes_progress() ? set_due(Engine::write_wait) : link->free();
	}
	if (phase == Phase::head) {
		if (!has_begun) return link->free(); // idle
		refuse({408, "the request's head has not come whole within 10 s"}, false);
		run({});
		return;
	}
	if (rest.size() >= most_waiting) { // not read, so its end is not seen
		pollfd p{link->fd(), POLLRDHUP, 0};
		return poll(&p, 1, 0) > 0 ? link->free() : set_due(std::chrono::seconds(1));
	}
	if (body_kind == BodyKind::none || !request) return;
	must_end = must_linger = true;
	++engine.figures.refused[408];
	request->fail({"the request's body has not come whole in time: 10 s, and a second more for each 16 KiB", 408, {}, {}});
}

void Connection::wind_down()
{
	if (stream) {
		stream->closed();
		return stream_ended(false);
	}
	if (phase == Phase::head) return link->free();
	must_end = true;
}

} // namespace core::http
