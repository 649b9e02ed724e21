// One HTTP request and the right to answer it, once: at once or later, whole, as a stream, or by an upgrade.
#pragma once
#include "host/scope.hpp"
#include "http/head.hpp"
#include "reactor/watch.hpp"
#include "result.hpp"

#include <patchbay/http.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace core { struct Topic; }

namespace core::http {

class Connection;
class RouteItem;
class Server;
class Stream;

/// Who is at the other end of a connection, and which listener took it.
struct Peer {
	std::string address;      // "192.0.2.1" (also of ::ffff:192.0.2.1), "fe80::1"; "" for unix
	std::uint16_t port = 0;
	std::string listener;     // as configured: "127.0.0.1:8092"
	std::string user;         // of a unix socket's peer
	std::int64_t uid = -1;    // the same, as the kernel gives it; -1: unknown
	bool is_loopback = false; // the peer's address
	bool is_unix = false;
	bool is_tls = false;
	bool is_legacy = false;   // came in on a listener that was added by name
};

/// Lives until it has been answered, also where the client has left. Loop thread. Its memory is used again, so whoever
/// keeps it over a callback keeps handle(), which a later request never equals.
class Request final {
public:
	explicit Request(Server &server_) : server(server_) {}
	Request(const Request &) = delete;
	Request &operator=(const Request &) = delete;

	// What came.
	Head head;
	std::string path;                                        // decoded
	std::string body;                                        // whole, unless the route streams it
	std::vector<std::pair<std::string, std::string>> vars;   // of the route's template, decoded
	[[nodiscard]] const Peer &peer() const noexcept { return *from; }
	[[nodiscard]] bool is_head() const noexcept { return head.method == Method::head; }
	/// Decoded; the first of that name, or nullptr.
	[[nodiscard]] const std::string *query(std::string_view name) const;
	[[nodiscard]] const std::vector<std::pair<std::string, std::string>> &queries() const noexcept { return query_pairs; }

	// Who asked. Filled by Manners before anything else sees the request.
	void set_caller(std::string_view address, std::string_view name, int role);
	[[nodiscard]] const pb_caller &caller() const noexcept { return who; }

	// The answer: one of these, once. After it the request is gone.
	void respond(int status, std::span<const pb_header> headers, std::string_view body);
	void respond_json(int status, const pb::Json &value);
	/// The error shape of the contract. lines: whole lines for the head, each with CRLF. members: go into the body.
	void fail(const Error &error, std::string_view lines = {}, const json_t *members = nullptr);
	/// The head now, the body by the stream. nullptr: refused (500 has been sent) or the client has left.
	Stream *stream(int status, std::span<const pb_header> headers, const pb_stream_events &events, void *self);
	Stream *upgrade(const char *protocol, std::span<const pb_header> headers, const pb_stream_events &events, void *self);

	/// Told once if the client leaves or the deadline passes; the request must still be answered (to nobody).
	void on_cancel(pb_tick_fn *told, void *self);
	// A streamed body.
	void on_body(pb_data_fn *data, void *self);
	void pause_body(bool is_paused);

	/// The border's handle: never equal to a later request's. Made when first asked for.
	[[nodiscard]] pb_request *handle();
	[[nodiscard]] bool is_cancelled() const noexcept { return connection == nullptr; }

	// ---- the server's own
	Server &server;
	Connection *connection = nullptr; // null once the client has left or was told 504
	RouteItem *route = nullptr;       // null where there is none, or where it has gone
	Scope *scope = nullptr;           // whose handler it is with; null: the core's
	std::shared_ptr<const Peer> from; // shared: the connection may end first

private:
	friend class Connection;
	friend class Server;
	friend class Dispatch;
	friend class Stream;
	void reset() noexcept;
	void cancel(); // tells the plugin

	std::string bytes; // what head's views look at
	std::vector<std::pair<std::string, std::string>> query_pairs;
	std::string caller_address, caller_name;
	pb_caller who{sizeof(pb_caller), PB_PUBLIC, "", ""};
	pb_tick_fn *cancelled = nullptr;
	void *cancelled_self = nullptr;
	pb_data_fn *data = nullptr;
	void *data_self = nullptr;
	struct pb_call *call = nullptr; // a method that works for it
	std::unique_ptr<Timer> deadline;
	std::uintptr_t token = 0;
	std::size_t place = 0; // in the server's list of those in flight
};

} // namespace core::http
