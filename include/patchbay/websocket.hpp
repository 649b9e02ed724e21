// patchbay/websocket.hpp: a WebSocket (RFC 6455) over a route's request. Header only; link libwslay and libcrypto.
//
//   if (!pb::WebSocket::is_asked(request)) …;                   // an ordinary request
//   socket = std::make_unique<pb::WebSocket>(std::move(request), options);   // answers 101, or refuses
//   socket->send(R"({"type":"connected"})");
// One timer of the owner calls tick() for each socket every 30 s: it pings, and ends what does not answer.
// What a client sends is checked and put together by wslay; an idle socket keeps none of wslay's buffers.
#pragma once
#include <patchbay/patchbay.hpp>

#include <openssl/evp.h>
#include <wslay/wslay.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace pb {

/// One client. Does not move. Loop thread. Owns the connection from 101 to its end; does not own a timer.
class WebSocket final {
public:
	enum Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, closing = 8, ping = 9 };

	struct Options {
		std::size_t max_message = 64 * 1024; // bytes of one message from the client: longer ones close with 1009
		std::size_t max_queue = 256 * 1024;  // bytes that may wait for the client: send() refuses past it
		std::size_t low_queue = 0;           // on_drain when what waits has fallen to this
		Bound<std::string_view> on_text{};   // a whole message; must not delete the socket
		Bound<std::string_view> on_binary{}; // not set: a binary message closes with 1003
		Bound<> on_drain{};                  // there is room again
		Bound<> on_close{};                  // the last call; may delete the socket
	};

	/// Whether the request asks for a WebSocket at all.
	[[nodiscard]] static bool is_asked(const Request &r) noexcept
	{
		const char *upgrade = r.header("Upgrade");
		return upgrade && lists(upgrade, "websocket");
	}
	/// 101, or 400, 405 or 426 for a handshake that is none: then is_open() is false, and on_close does not come.
	WebSocket(Request &&r, Options options_) : options(options_)
	{
		const std::string accept = check_handshake(r);
		if (accept.empty()) return;
		const pb_header headers[]{{"Sec-WebSocket-Accept", accept.c_str()}};
		Stream::Options o;
		o.max_buffer = options.max_queue + slack;
		o.low_buffer = options.low_queue;
		o.on_drain = bind<&WebSocket::on_drain>(this);
		o.on_close = bind<&WebSocket::on_gone>(this);
		o.on_data = bind<&WebSocket::on_data>(this);
		stream.emplace(std::move(r), "websocket", 101, headers, o);
		if (stream->is_open()) state = State::open;
	}
	WebSocket(const WebSocket &) = delete;
	WebSocket &operator=(const WebSocket &) = delete;
	/// Ends the connection; what waits is still sent.
	~WebSocket() = default;

	[[nodiscard]] bool is_open() const noexcept { return state == State::open; }
	[[nodiscard]] std::size_t buffered() const noexcept { return stream ? stream->buffered() : 0; }

	/// One text message. False: nothing was sent, since too much waits already, or the socket is closing.
	bool send(std::string_view message)
	{
		if (!is_open() || buffered() + message.size() > options.max_queue) return false;
		std::string frame;
		append_frame(frame, text, message);
		stream->write(frame);
		return is_open();
	}
	/// Whole frames that append_frame() has made, perhaps for many clients. Not checked against max_queue.
	void write_frames(std::string_view frames)
	{
		if (is_open()) stream->write(frames);
	}
	/// Sends a close frame, waits for the client's until the next tick but one, then ends.
	void close(std::uint16_t code = 1000, std::string_view reason = {})
	{
		if (!is_open()) return;
		reason = reason.substr(0, 123);
		std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
		payload += reason;
		std::string frame;
		append_frame(frame, closing, payload);
		state = State::closing;
		missed_ticks = 0;
		stream->write(frame);
	}
	/// Every 30 s: pings; ends a client that has sent nothing for two ticks, or has not closed in one.
	void tick()
	{
		if (state == State::closed) return;
		const unsigned most = state == State::open ? 2 : 1;
		if (missed_ticks++ >= most) return end();
		if (state != State::open) return;
		std::string frame;
		append_frame(frame, ping, {});
		stream->write(frame);
	}

	/// A frame as a server sends it. is_last: of its message; opcode continuation for all but a message's first.
	static void append_frame(std::string &out, Opcode opcode, std::string_view payload, bool is_last = true)
	{
		out += static_cast<char>((is_last ? 0x80 : 0) | opcode);
		const std::size_t n = payload.size();
		const auto number = [&out, n](int bytes) {
			for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out += static_cast<char>((static_cast<std::uint64_t>(n) >> shift) & 0xff);
		};
		if (n < 126) {
			out += static_cast<char>(n);
		} else if (n < 65536) {
			out += static_cast<char>(126);
			number(2);
		} else {
			out += static_cast<char>(127);
			number(8);
		}
		out += payload;
	}
	/// Sec-WebSocket-Accept for a key; empty where the key is not 16 bytes in base64.
	[[nodiscard]] static std::string accept_for(std::string_view key)
	{
		constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
		if (key.size() != 24 || !key.ends_with("==") || key.substr(0, 22).find_first_not_of(alphabet) != std::string_view::npos) return {};
		std::string both(key);
		both += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
		std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
		unsigned size = 0;
		if (EVP_Digest(both.data(), both.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1) return {};
		std::array<unsigned char, 64> out{};
		const int n = EVP_EncodeBlock(out.data(), digest.data(), static_cast<int>(size));
		return {reinterpret_cast<const char *>(out.data()), static_cast<std::size_t>(n)};
	}

private:
	enum class State : std::uint8_t { closed, open, closing }; // closing: a close frame has been sent
	static constexpr std::size_t slack = 16 * 1024;            // for pongs and the close frame

	/// What wslay holds of what the client has sent; there only while something is unfinished.
	struct Reader {
		explicit Reader(WebSocket &s)
		{
			wslay_event_callbacks c{};
			c.recv_callback = &WebSocket::on_wants_bytes;
			c.send_callback = &WebSocket::on_has_bytes;
			c.on_frame_recv_start_callback = &WebSocket::on_frame;
			c.on_frame_recv_chunk_callback = &WebSocket::on_piece;
			c.on_msg_recv_callback = &WebSocket::on_message;
			wslay_event_context_ptr raw = nullptr;
			if (wslay_event_context_server_init(&raw, &c, &s) != 0) return;
			wslay_event_config_set_max_recv_msg_length(raw, std::max<std::size_t>(s.options.max_message, 125)); // counts pings as well
			wslay_event_config_set_no_buffering(raw, 1); // its buffer costs some hundred bytes a frame, be it empty
			context.reset(raw);
		}
		struct Free {
			void operator()(wslay_event_context_ptr c) const noexcept { wslay_event_context_free(c); }
		};
		std::unique_ptr<wslay_event_context, Free> context;
		std::uint64_t taken = 0;   // bytes that have come
		std::uint64_t framed = 0;  // bytes of the frames that have begun
		std::string message;       // so far
		std::uint16_t verdict = 0; // the code to close with for what wslay lets pass, or closes without one
		bool is_within_message = false, is_control = false;
	};

	static bool lists(std::string_view value, std::string_view word) noexcept
	{
		while (!value.empty()) {
			const std::size_t comma = value.find(',');
			std::string_view one = value.substr(0, comma);
			value = comma == std::string_view::npos ? std::string_view() : value.substr(comma + 1);
			while (!one.empty() && (one.front() == ' ' || one.front() == '\t')) one.remove_prefix(1);
			while (!one.empty() && (one.back() == ' ' || one.back() == '\t')) one.remove_suffix(1);
			const bool is_same = one.size() == word.size() && std::equal(one.begin(), one.end(), word.begin(),
																  [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; });
			if (is_same) return true;
		}
		return false;
	}

	/// The accept value, or empty with the request answered.
	static std::string check_handshake(Request &r)
	{
		if (r.method() != "GET") {
			r.fail(405, "", "a WebSocket begins with GET");
			return {};
		}
		const char *connection = r.header("Connection"), *version = r.header("Sec-WebSocket-Version"), *key = r.header("Sec-WebSocket-Key");
		if (!is_asked(r) || !version || std::string_view(version) != "13") {
			refuse_version(r, is_asked(r) ? "the WebSocket's version must be 13" : "this path is a WebSocket: connect to it with Upgrade: websocket");
			return {};
		}
		if (!connection || !lists(connection, "upgrade")) {
			r.fail(400, "", "a WebSocket needs Connection: Upgrade");
			return {};
		}
		std::string accept = accept_for(key ? key : "");
		if (accept.empty()) r.fail(400, "", "Sec-WebSocket-Key must be 16 bytes in base64");
		return accept;
	}
	static void refuse_version(Request &r, const char *why)
	{
		const std::int64_t now = unix_ms();
		const std::time_t seconds = now / 1000;
		std::tm t{};
		gmtime_r(&seconds, &t);
		char time[40];
		const std::size_t n = std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &t);
		std::snprintf(time + n, sizeof time - n, ".%03dZ", static_cast<int>(now % 1000));
		const Json body{{"success", false}, {"error", "UPGRADE_REQUIRED"}, {"message", why}, {"details", nullptr}, {"timestamp", time}};
		const pb_header headers[]{{"Content-Type", "application/json"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}};
		r.respond(426, headers, body.text());
	}

	// ---- what comes in
	void on_data(std::string_view bytes) noexcept
	{
		missed_ticks = 0;
		if (state == State::closed) return;
		if (!reader) reader = std::make_unique<Reader>(*this);
		if (!reader->context) return end();
		input = bytes;
		is_reading = true;
		const int failed = wslay_event_recv(reader->context.get());
		settle(failed != 0);
		is_reading = false;
		input = {};
		if (is_gone) tell_closed();
	}
	/// After reading: answers what wslay has queued, ends what is over, lets go of what is finished.
	void settle(bool has_failed)
	{
		if (state == State::closed) return;
		wslay_event_context_ptr c = reader->context.get();
		if (has_failed && reader->verdict == 0) reader->verdict = 1002; // wslay would close without a code
		if (reader->verdict != 0) {
			close(reader->verdict);
			return end();
		}
		if (wslay_event_want_write(c) != 0 && wslay_event_send(c) != 0) return end();
		if (wslay_event_get_read_enabled(c) == 0) return end(); // a close frame has come, or a mistake: wslay's answer is out
		if (reader->taken == reader->framed && !reader->is_within_message) reader.reset();
	}
	static ssize_t on_wants_bytes(wslay_event_context_ptr c, std::uint8_t *out, std::size_t size, int, void *self) noexcept
	{
		auto *s = static_cast<WebSocket *>(self);
		if (s->input.empty()) {
			wslay_event_set_error(c, WSLAY_ERR_WOULDBLOCK);
			return -1;
		}
		const std::size_t n = std::min(size, s->input.size());
		std::memcpy(out, s->input.data(), n);
		s->input.remove_prefix(n);
		s->reader->taken += n;
		return static_cast<ssize_t>(n);
	}
	static void on_frame(wslay_event_context_ptr c, const wslay_event_on_frame_recv_start_arg *frame, void *self) noexcept
	{
		auto *s = static_cast<WebSocket *>(self);
		Reader &r = *s->reader;
		const std::uint64_t size = frame->payload_length;
		r.framed += 2 + 4 + (size < 126 ? 0U : size < 65536 ? 2U : 8U) + size; // masked, always
		r.is_control = frame->opcode >= closing;
		if (r.is_control) return;
		r.is_within_message = frame->fin == 0;
		if (frame->opcode == binary && !s->options.on_binary.call) r.verdict = 1003;
		else if (r.message.size() + size > s->options.max_message) r.verdict = 1009;
		if (r.verdict != 0) wslay_event_shutdown_read(c);
	}
	static void on_piece(wslay_event_context_ptr, const wslay_event_on_frame_recv_chunk_arg *piece, void *self) noexcept
	{
		Reader &r = *static_cast<WebSocket *>(self)->reader;
		if (!r.is_control && r.verdict == 0 && piece->data_length != 0) r.message.append(reinterpret_cast<const char *>(piece->data), piece->data_length);
	}
	static void on_message(wslay_event_context_ptr, const wslay_event_on_msg_recv_arg *m, void *self) noexcept
	{
		auto *s = static_cast<WebSocket *>(self);
		Reader &r = *s->reader;
		if (m->opcode == closing && m->msg_length == 1) r.verdict = 1002; // half a code
		if (m->opcode >= closing) return;                                 // wslay answers pings and closes
		const std::string message = std::exchange(r.message, {});
		if (!s->is_open() || r.verdict != 0) return;
		if (m->opcode == text) s->options.on_text(message);
		else s->options.on_binary(message);
	}
	/// wslay's own frames: pongs and the close.
	static ssize_t on_has_bytes(wslay_event_context_ptr c, const std::uint8_t *bytes, std::size_t size, int, void *self) noexcept
	{
		auto *s = static_cast<WebSocket *>(self);
		if (s->state == State::closed) {
			wslay_event_set_error(c, WSLAY_ERR_CALLBACK_FAILURE);
			return -1;
		}
		if (s->is_open()) s->stream->write({reinterpret_cast<const char *>(bytes), size}); // else ours is out: no second close frame
		return static_cast<ssize_t>(size);
	}

	// ---- the end
	void on_drain() noexcept
	{
		if (is_open()) options.on_drain();
	}
	void on_gone() noexcept
	{
		state = State::closed;
		is_gone = true;
		if (!is_reading) tell_closed();
	}
	/// Sends what waits, and ends. The owner is told.
	void end()
	{
		state = State::closed;
		stream->end();
		is_gone = true;
		if (!is_reading) tell_closed();
	}
	void tell_closed() noexcept
	{
		if (std::exchange(is_told, true)) return;
		options.on_close(); // may delete this
	}

	Options options;
	State state = State::closed;
	std::uint8_t missed_ticks = 0;
	bool is_reading = false, is_gone = false, is_told = false;
	std::string_view input; // while reading
	std::unique_ptr<Reader> reader;
	std::optional<Stream> stream; // last: no callback meets a half-destroyed socket
};

} // namespace pb
