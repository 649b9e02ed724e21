// One kept HTTP connection to Kismet, on the daemon's loop, by libevent's evhttp: one request at a time, each with a deadline.
#pragma once
#include <patchbay/patchbay.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct evbuffer;
struct evhttp_connection;
struct evhttp_request;
struct event_base;

namespace kismet {

/// Bytes that wait; owned by one thread at a time.
struct FreeBuffer {
	void operator()(evbuffer *b) const noexcept;
};
using Bytes = std::unique_ptr<evbuffer, FreeBuffer>;
[[nodiscard]] Bytes new_bytes();

/// How a request ended.
struct Answer {
	enum class End {
		whole,        // an answer came, whatever its status
		timed_out,    // within the deadline there was none, or not all of it
		broken,       // the connection ended before its end, or it was no HTTP
		no_connection // there was none; evhttp does not keep why
	};
	End end = End::broken;
	int status = 0;   // 0: there was no head
	std::string type; // Content-Type
	std::string text; // what went wrong, for people
};

/// Its callbacks come from the loop's own turn, never from inside send() or evhttp: they may do anything with it. Loop thread.
class Http {
public:
	struct Request {
		const char *method = "GET"; // or POST
		std::string path;           // with query
		std::string body;           // JSON
	};
	/// on_bytes: the body of an answer with status 200, as it comes; take what is in it. on_end: after all of them, once.
	Http(pb::Scope &scope, pb::Bound<evbuffer *> on_bytes, pb::Bound<const Answer &> on_end);
	Http(const Http &) = delete;
	Http &operator=(const Http &) = delete;
	~Http();

	/// A literal address. Ends what there was.
	void connect_to(std::string address, std::uint16_t port, std::string authority);
	void set_authorization(std::string value);
	void set_timeout(std::chrono::milliseconds t) noexcept { timeout = t; }
	[[nodiscard]] bool has_target() const noexcept { return !address.empty(); }
	[[nodiscard]] bool is_busy() const noexcept { return is_asking; }
	/// How many connections there have been: another one may be to another Kismet.
	[[nodiscard]] std::uint64_t connections() const noexcept { return connects; }
	/// Not while it is busy.
	void send(Request request);
	/// Gives up the present request, without on_end, and the connection.
	void close() noexcept;

private:
	struct Calls; // evhttp's C callbacks
	friend struct Calls;
	void start() noexcept;
	void finish(Answer::End end, std::string text) noexcept;
	void on_deadline() noexcept;
	void on_finished() noexcept;

	pb::Scope &scope;
	const pb::Bound<evbuffer *> on_bytes;
	const pb::Bound<const Answer &> on_end;
	std::string address, authority, authorization;
	std::uint16_t port = 0;
	std::uint64_t connects = 0;
	std::chrono::milliseconds timeout{5000};
	evhttp_connection *connection = nullptr;
	evhttp_request *flying = nullptr; // evhttp's, until it tells us of its end
	Request request;
	Answer answer;
	int error = -1; // evhttp_request_error, as told just before the end
	bool is_asking = false, was_reused = false, is_second_try = false;
	pb::Timer deadline, finished;
};

} // namespace kismet
