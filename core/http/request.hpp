// One HTTP request and the right to answer it, once: at once or later, whole, as a stream, or by an upgrade.
#pragma once
#include "host/scope.hpp"
#include "http/decode.hpp"
#include "http/head.hpp"
#include "http/stream.hpp"
#include "reactor/watch.hpp"
#include "result.hpp"

#include <patchbay/http.h>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace core::http {

class Connection;
class Engine;
class RouteItem;

/// Who is at the other end of a connection, and which listener took it.
struct Peer {
	std::string address; // "192.0.2.1" (also of ::ffff:192.0.2.1), "fe80::1"; "" for unix
	std::uint16_t port = 0;
	std::string listener;     // as configured: "127.0.0.1:8092"
	std::string user;         // of a unix socket's peer
	std::int64_t uid = -1;    // the same, as the kernel gives it; -1: unknown
	bool is_loopback = false; // the peer's address
	bool is_unix = false;
	bool is_tls = false;
	bool is_legacy = false; // came in on a listener that was added by name
};

/// Lives until it has been answered, also where the client has left. Loop thread. Its memory is used again, so whoever
/// keeps it over a callback keeps handle(), which a later request never equals.
class Request final {
public:
	explicit Request(Engine &engine_) : engine(engine_) {}
	Request(const Request &) = delete;
	Request &operator=(const Request &) = delete;

	// What came.
	Head head;
	std::string path;                     // decoded
	std::vector<Part> parts;              // of path
	std::vector<std::string_view> values; // of the route's variables, in its template's order; views into path
	Pairs query_pairs;                    // decoded
	std::string body;                     // whole, unless the route streams it
	[[nodiscard]] const Peer &peer() const noexcept { return *from; }
	[[nodiscard]] bool is_head() const noexcept { return head.method == Method::head; }
	/// Decoded; the first of that name, or nullptr.
	[[nodiscard]] const std::string *query(std::string_view name) const noexcept;

	// Who asked: filled by Manners before anything else sees the request.
	void set_caller(std::string_view address, std::string_view name, int role);
	[[nodiscard]] const pb_caller &caller() const noexcept { return who; }

	// The answer: one of these, once. After it the request is gone.
	/// headers: without Content-Length, Date, Connection. With an ETag that If-None-Match names, a 200 becomes 304.
	void respond(int status, std::span<const pb_header> headers, std::string_view content);
	void respond_json(int status, const json_t *value);
	/// The same with JSON as it is.
	void respond_text(int status, std::string_view json);
	/// The contract's error shape. lines: whole lines for the head. members: go into the body.
	void fail(const Error &error, std::string_view lines = {}, const json_t *members = nullptr);
	/// Ready bytes: status line and headers, each with CRLF, Content-Length among them, without Date and Connection.
	void respond_raw(int status, std::string_view first_lines, std::string_view content);
	/// The head now, the rest by the stream. nullptr: the client has left, or the headers were refused (500 was sent).
	Stream *stream(int status, std::span<const pb_header> headers, const pb_stream_events &events, void *self);
	/// 101, then bytes both ways.
	Stream *upgrade(std::string_view protocol, std::span<const pb_header> headers, const pb_stream_events &events, void *self);

	/// Told once if the client leaves or the deadline passes; the request must still be answered, to nobody.
	void on_cancel(pb_tick_fn *told, void *self);
	// A streamed body.
	void on_body(pb_data_fn *taker, void *self);
	void pause_body(bool is_paused);

	/// The border's handle. Made when first asked for.
	[[nodiscard]] pb_request *handle();
	/// What a handle stands for; nullptr once it has been answered.
	[[nodiscard]] static Request *find(const pb_request *handle) noexcept;
	/// The client has left or was told that the time is over.
	[[nodiscard]] bool is_cancelled() const noexcept { return connection == nullptr; }

	// ---- the server's own
	Engine &engine;
	Connection *connection = nullptr;
	RouteItem *route = nullptr;       // null where there is none, or where it has gone
	Scope *scope = nullptr;           // whose handler it is with; null: nobody's
	std::shared_ptr<const Peer> from; // shared: the connection may end first
	std::string bytes;                // what head's views look at
	pb_call *call = nullptr;          // a method that works for it
	pb_data_fn *taker = nullptr;
	void *taker_self = nullptr;
	std::size_t place = 0; // among those in flight
	void clear() noexcept;
	/// 504 after that time, unless answered.
	void arm(std::chrono::milliseconds limit);
	/// The client has left: the plugin is told. Where nobody will answer any more, the request is gone after it.
	void abandon();
	void overrule(const Error &error);
	/// Ends it with nobody told: 503 to the client.
	void revoke(std::string_view why);

private:
	[[nodiscard]] bool check(std::span<const pb_header> headers);
	void start(int status, std::span<const pb_header> headers);
	void tell_cancelled();
	void on_deadline() noexcept;
	/// Hands the reply to the connection, and itself back.
	void finish(int status, std::string_view content);
	Stream *begin(int status, Stream::Framing framing, std::uint64_t length, const pb_stream_events &events, void *self, bool is_upgrade);
	void count(int status);

	std::string caller_address, caller_name;
	pb_caller who{sizeof(pb_caller), PB_ROLE_DEFAULT, "", ""};
	pb_tick_fn *cancelled = nullptr;
	void *cancelled_self = nullptr;
	std::unique_ptr<Timer> deadline;
	std::uintptr_t token = 0;
};

} // namespace core::http
