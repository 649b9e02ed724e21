#include "kismet/event_bus.hpp"

#include "kismet/target.hpp"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>
#include <openssl/evp.h>
#include <sys/random.h>
#include <wslay/wslay.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace kismet {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_head = 16 << 10, most_message = 1 << 20, most_output = 64 << 10;
constexpr auto connect_limit = 5s, ping_interval = 20s; // also how long it may take to answer one

std::string base64(const unsigned char *bytes, std::size_t size)
{
	std::string out((size + 2) / 3 * 4 + 1, '\0');
	out.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char *>(out.data()), bytes, static_cast<int>(size))));
	return out;
}

std::string accept_of(const std::string &key)
{
	const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455, 1.3
	std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
	unsigned size = 0;
	if (EVP_Digest(text.data(), text.size(), hash.data(), &size, EVP_sha1(), nullptr) != 1) return {};
	return base64(hash.data(), size);
}

bool is_same_blind(std::string_view a, std::string_view b) noexcept
{
	return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

std::string_view header(std::string_view head, std::string_view name) noexcept
{
	while (!head.empty()) {
		const std::size_t n = head.find("\r\n");
		std::string_view line = head.substr(0, n);
		head = n == std::string_view::npos ? std::string_view() : head.substr(n + 2);
		const std::size_t colon = line.find(':');
		if (colon == std::string_view::npos || !is_same_blind(line.substr(0, colon), name)) continue;
		line.remove_prefix(colon + 1);
		while (line.starts_with(' ')) line.remove_prefix(1);
		while (line.ends_with(' ')) line.remove_suffix(1);
		return line;
	}
	return {};
}

} // namespace

struct EventBus::Calls {
	static void on_read(bufferevent *, void *self) noexcept { static_cast<EventBus *>(self)->read(); }
	static void on_event(bufferevent *, short what, void *self) noexcept
	{
		auto *b = static_cast<EventBus *>(self);
		if ((what & BEV_EVENT_CONNECTED) != 0) {
			bufferevent_write(b->stream, b->request.data(), b->request.size());
			wipe(b->request);
			bufferevent_enable(b->stream, EV_READ | EV_WRITE);
			return;
		}
		const int number = EVUTIL_SOCKET_ERROR();
		if ((what & BEV_EVENT_EOF) != 0) return b->fail(0, "it was closed");
		b->fail(0, number != 0 ? evutil_socket_error_to_string(number) : "the connection broke");
	}
	static ssize_t recv(wslay_event_context *c, std::uint8_t *to, std::size_t size, int, void *self) noexcept
	{
		const int n = evbuffer_remove(bufferevent_get_input(static_cast<EventBus *>(self)->stream), to, size);
		if (n > 0) return n;
		wslay_event_set_error(c, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	static ssize_t send(wslay_event_context *c, const std::uint8_t *from, std::size_t size, int, void *self) noexcept
	{
		evbuffer *out = bufferevent_get_output(static_cast<EventBus *>(self)->stream);
		if (evbuffer_get_length(out) > most_output || evbuffer_add(out, from, size) != 0) { // it asks (pings) and does not take answers
			wslay_event_set_error(c, WSLAY_ERR_CALLBACK_FAILURE);
			return -1;
		}
		return static_cast<ssize_t>(size);
	}
	static int genmask(wslay_event_context *, std::uint8_t *to, std::size_t size, void *) noexcept
	{
		return ::getrandom(to, size, 0) == static_cast<ssize_t>(size) ? 0 : -1;
	}
	static void on_message(wslay_event_context *, const wslay_event_on_msg_recv_arg *m, void *self) noexcept
	{
		if (m->opcode == WSLAY_TEXT_FRAME) static_cast<EventBus *>(self)->on_event({reinterpret_cast<const char *>(m->msg), m->msg_length});
	}
};

void EventBus::FreeContext::operator()(wslay_event_context *c) const noexcept { wslay_event_context_free(c); }

EventBus::EventBus(pb::Scope &scope_, pb::Bound<> on_up_, pb::Bound<std::string_view> on_event_, pb::Bound<const End &> on_end_)
	: scope(scope_), on_up(on_up_), on_event(on_event_), on_end(on_end_), timer(scope_, pb::bind<&EventBus::on_timer>(this)),
	  failed(scope_, pb::bind<&EventBus::on_failed>(this))
{}

void EventBus::connect(const std::string &address, std::uint16_t port, const std::string &authority, std::string path, const std::string &authorization)
{
	close();
	std::array<unsigned char, 16> nonce{};
	sockaddr_storage to{};
	int size = sizeof to;
	const std::string place = address.find(':') == std::string::npos ? address + ":" + std::to_string(port) : "[" + address + "]:" + std::to_string(port);
	const bool is_address = evutil_parse_sockaddr_port(place.c_str(), reinterpret_cast<sockaddr *>(&to), &size) == 0;
	now = State::connecting;
	if (!is_address || ::getrandom(nonce.data(), nonce.size(), 0) != static_cast<ssize_t>(nonce.size())) return fail(0, "no address");
	key = base64(nonce.data(), nonce.size());
	request = "GET " + path + " HTTP/1.1\r\nHost: " + authority +
			  "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + "\r\n";
	if (!authorization.empty()) request += "Authorization: " + authorization + "\r\n";
	request += "\r\n";
	wipe(path);
	stream = bufferevent_socket_new(scope.base(), -1, BEV_OPT_CLOSE_ON_FREE);
	if (!stream) return fail(0, "no memory for a connection");
	bufferevent_setcb(stream, &Calls::on_read, nullptr, &Calls::on_event, this);
	timer.once(connect_limit);
	if (bufferevent_socket_connect(stream, reinterpret_cast<sockaddr *>(&to), size) != 0) fail(0, std::strerror(errno));
}

void EventBus::close() noexcept
{
	timer.stop();
	failed.stop();
	has_failed = false;
	now = State::off;
	frames.reset();
	head.clear();
	wipe(request);
	if (stream) bufferevent_free(std::exchange(stream, nullptr));
}

void EventBus::fail(int status, std::string text) noexcept
{
	if (std::exchange(has_failed, true)) return;
	end = {status, std::move(text)};
	if (stream) bufferevent_disable(stream, EV_READ | EV_WRITE);
	timer.stop();
	failed.once(0ms); // out of libevent's and wslay's stack
}

void EventBus::on_failed() noexcept
{
	const End told = std::exchange(end, {});
	close();
	on_end(told);
}

void EventBus::read() noexcept
{
	if (has_failed) return;
	if (now == State::connecting) read_head();
	if (now == State::up && !has_failed) read_frames();
}

bool EventBus::is_upgrade(std::string_view head, const std::string &key, End &end)
{
	int status = 0;
	if (head.starts_with("HTTP/1.") && head.size() > 12) std::from_chars(head.data() + 9, head.data() + 12, status);
	const std::size_t first = head.find("\r\n");
	const std::string_view rest = first == std::string_view::npos ? std::string_view() : head.substr(first + 2);
	end.status = status;
	if (status == 0) end.text = "the answer is no HTTP";
	else if (status != 101) end.text = "it answered " + std::to_string(status);
	else if (!is_same_blind(header(rest, "Upgrade"), "websocket") || header(rest, "Sec-WebSocket-Accept") != accept_of(key))
		end.text = "its answer is not that of a WebSocket";
	return end.text.empty();
}

void EventBus::read_head()
{
	evbuffer *in = bufferevent_get_input(stream);
	const evbuffer_ptr found = evbuffer_search(in, "\r\n\r\n", 4, nullptr);
	if (found.pos < 0) {
		if (evbuffer_get_length(in) > most_head) fail(0, "the head of its answer is too long");
		return;
	}
	head.resize(static_cast<std::size_t>(found.pos) + 4);
	evbuffer_remove(in, head.data(), head.size());
	End why;
	if (head.size() > most_head) return fail(0, "the head of its answer is too long");
	if (!is_upgrade(head, key, why)) return fail(why.status, why.text);
	begin();
}

void EventBus::begin()
{
	wslay_event_callbacks calls{&Calls::recv, &Calls::send, &Calls::genmask, nullptr, nullptr, nullptr, &Calls::on_message};
	wslay_event_context *c = nullptr;
	if (wslay_event_context_client_init(&c, &calls, this) != 0) return fail(0, "no memory for a WebSocket");
	frames.reset(c);
	wslay_event_config_set_max_recv_msg_length(c, most_message);
	now = State::up;
	for (const char *topic : {"NEW_DEVICE", "ALERT", "MESSAGE"}) say(std::string("{\"SUBSCRIBE\":\"") + topic + "\"}");
	timer.once(ping_interval);
	on_up();
}

void EventBus::say(std::string_view text) noexcept
{
	const wslay_event_msg m{WSLAY_TEXT_FRAME, reinterpret_cast<const std::uint8_t *>(text.data()), text.size()};
	wslay_event_queue_msg(frames.get(), &m);
	flush();
}

void EventBus::flush() noexcept
{
	if (wslay_event_want_write(frames.get()) && wslay_event_send(frames.get()) != 0) fail(0, "it does not take what we send");
}

void EventBus::read_frames() noexcept
{
	is_pinged = false; // it lives
	const int error = wslay_event_recv(frames.get());
	if (error == 0) flush(); // a pong, an answer to its close
	if (error != 0) fail(0, "it broke the protocol");
	else if (wslay_event_get_close_received(frames.get())) fail(0, "it was closed");
	else if (!wslay_event_want_read(frames.get())) fail(0, "it broke the protocol"); // a message that is too long, text that is none
}

void EventBus::on_timer() noexcept
{
	if (now == State::connecting) return fail(0, "no answer in time");
	if (is_pinged) return fail(0, "it has fallen silent");
	const wslay_event_msg ping{WSLAY_PING, nullptr, 0};
	wslay_event_queue_msg(frames.get(), &ping);
	flush();
	is_pinged = true;
	timer.once(ping_interval);
}

} // namespace kismet
