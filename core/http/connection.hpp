// One connection, and the gate in it: between the socket and libevhtp, one checked request at a time.
//
// head → (body) → busy → head …, or from anywhere → lingering → gone.  In `busy` the request is with its route; what the
// client sends meanwhile waits, up to a limit, past which the socket is not read.
#pragma once
#include "http/chunks.hpp"
#include "http/head.hpp"
#include "http/link.hpp"
#include "http/request.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace core::http {

/// Owns itself: deleted when its link has gone. Loop thread.
class Connection final {
public:
	Connection(Engine &engine, std::unique_ptr<Link> link, std::shared_ptr<const Peer> peer);
	~Connection();
	Connection(const Connection &) = delete;
	Connection &operator=(const Connection &) = delete;

	[[nodiscard]] Request *current() const noexcept { return request; }
	[[nodiscard]] Stream *open_stream() const noexcept { return stream.get(); }
	[[nodiscard]] bool is_idle() const noexcept { return phase == Phase::head; }

	// ---- of Request: the answer to the current request, once
	/// first_lines: status line and headers. Date, Connection and the manners' lines are added here.
	void answer(Request &r, std::string_view first_lines, std::string_view content);
	/// The same without an end: what follows comes by the stream, whose framing is raw, chunked or nothing (after HEAD).
	Stream &begin_stream(Request &r, std::string_view first_lines, std::unique_ptr<Stream> s, bool is_upgrade);
	/// What the kernel may hold for the client; for streams whose buffer is small on purpose.
	void limit_send_buffer(std::size_t size) noexcept;
	/// The connection ends after the current answer.
	void end_after_this() noexcept { must_end = true; }
	void pause_body(bool is_paused);

	// ---- of Stream
	/// False: the other end is gone; its going is told later.
	bool write(std::initializer_list<std::string_view> pieces);
	[[nodiscard]] std::size_t waiting() const noexcept { return link->waiting(); }
	void stream_ended(bool is_whole);

	// ---- of Engine
	/// After an answer from outside, or a taken body: goes on with what waits.
	void proceed();
	/// Ends it, with all that waits, from a callback of nobody above.
	void close_later();
	void check_due(std::int64_t now);
	[[nodiscard]] std::int64_t due_time() const noexcept { return due; }
	/// The server stops: nothing new.
	void wind_down();
	void end_now() { link->free(); }
	std::size_t place = 0; // among the engine's
	bool is_queued = false;

private:
	enum class Phase : std::uint8_t { head, body, busy, upgraded, lingering };
	enum class BodyKind : std::uint8_t { none, length, chunked };

	void on_readable(int fd, std::uint32_t what) noexcept;
	void on_encrypted(std::string_view fresh);
	void on_flushed() noexcept;
	void on_broken() noexcept;
	void on_gone() noexcept;
	bool run(std::string_view fresh);
	bool step();
	bool step_head();
	void refuse_body(const Error &error);
	bool step_body();
	bool step_busy();
	bool step_upgraded();
	void begin_request(std::size_t head_size);
	/// The next piece of the body that has come; false: none. Refuses what is malformed or too large.
	bool take_body(std::string_view &piece);
	bool settle();
	void refuse(const Refusal &why, bool is_head);
	void linger();
	void set_due(std::chrono::milliseconds wait);
	void watch();
	[[nodiscard]] bool skips_rest_of_body();
	[[nodiscard]] bool makes_progress();

	Engine &engine;
	std::shared_ptr<const Peer> peer;
	std::unique_ptr<Link> link;
	Request *request = nullptr; // not answered yet
	std::unique_ptr<Stream> stream;
	std::string rest;       // what has come and is not used yet
	std::string_view input; // what run() works on: rest, or the read buffer
	HeadEnd head_end;
	Chunks chunks;
	std::uint64_t left = 0, body_size = 0, body_limit = 0; // left: of a body with a length
	std::int64_t due = 0;                                  // ms; 0: none
	std::int64_t body_began = 0;
	std::uint64_t queued = 0, sent_before = 0; // bytes for the client; of those gone when last looked at
	Phase phase = Phase::head;
	BodyKind body_kind = BodyKind::none; // of what has not come whole
	bool has_begun = false;              // a part of a head is there
	bool is_running = false, is_gone = false, is_closing = false;
	bool is_answered = false, must_end = false, must_linger = false, is_streaming_body = false, is_body_paused = false;
	FdWatch readable;
};

} // namespace core::http
