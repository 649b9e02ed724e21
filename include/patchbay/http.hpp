// patchbay/http.hpp: the C++ face of http.h: routes, requests, streamed answers, files, further listeners.
#pragma once
#include <patchbay/fields.hpp>
#include <patchbay/http.h>
#include <patchbay/items.hpp>

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pb {

/// One HTTP request and the right to answer it, once. Moves; dropped unanswered, it answers 500.
class Request {
public:
	Request(const pb_host *host_, pb_request *r) noexcept : host(host_), request(r) {}
	Request(Request &&o) noexcept : host(o.host), request(std::exchange(o.request, nullptr)) {}
	Request &operator=(Request &&o) noexcept
	{
		std::swap(host, o.host);
		std::swap(request, o.request);
		return *this;
	}
	~Request()
	{
		if (request && !detail::Rescue<pb_request>::offer(request)) fail(500, "", "the plugin dropped the request");
	}

	[[nodiscard]] std::string_view method() const noexcept { return view(http().method(request)); }
	[[nodiscard]] std::string_view path() const noexcept { return view(http().path(request)); }
	[[nodiscard]] std::string_view target() const noexcept { return view(http().target(request)); }
	[[nodiscard]] const char *query(const char *name) const noexcept { return http().query(request, name); }
	[[nodiscard]] const char *header(const char *name) const noexcept { return http().header(request, name); }
	[[nodiscard]] std::vector<pb_header> headers() const
	{
		std::vector<pb_header> out(http().headers(request, nullptr, 0));
		http().headers(request, out.data(), out.size());
		return out;
	}
	[[nodiscard]] std::string_view body() const noexcept
	{
		std::size_t n = 0;
		const char *b = http().body(request, &n);
		return {b, n};
	}
	[[nodiscard]] const pb_caller &caller() const noexcept { return *http().caller(request); }
	/// The further listener (pb::Listener) that it came in by; "": one of [http] listen.
	[[nodiscard]] std::string_view listener() const noexcept { return view(http().listener(request)); }

	void respond(int status, std::span<const pb_header> headers, std::string_view body) noexcept
	{
		if (request) http().respond(std::exchange(request, nullptr), status, headers.data(), headers.size(), body.data(), body.size());
	}
	void respond(int status, const char *type, std::string_view body) noexcept
	{
		const pb_header h[]{{"Content-Type", type}};
		respond(status, h, body);
	}
	void json(int status, Json value) noexcept
	{
		if (request) http().respond_json(std::exchange(request, nullptr), status, value.release());
	}
	void fail(const pb_error &e) noexcept
	{
		if (request) http().fail(std::exchange(request, nullptr), &e);
	}
	void fail(int status, std::string_view code, std::string_view text, const Json &details = {}) noexcept
	{
		pb_error e{};
		detail::fill(e, status, code, text, details.get());
		fail(e);
	}
	void on_cancel(Bound<> on) noexcept
	{
		if (request) http().on_cancel(request, on.call, on.self);
	}
	void on_body(Bound<const void *, std::size_t> on) noexcept
	{
		if (request) http().on_body(request, on.call, on.self);
	}
	void pause_body(bool is_paused) noexcept
	{
		if (request) http().pause_body(request, is_paused);
	}
	explicit operator bool() const noexcept { return request != nullptr; }

private:
	friend class Stream;
	static std::string_view view(const char *s) noexcept { return s ? s : ""; }
	[[nodiscard]] const pb_http &http() const noexcept { return *host->http; }
	const pb_host *host;
	pb_request *request;
};

/// A streamed answer, or an upgraded connection. Does not move. Its destructor sends what waits and ends the stream.
class Stream {
public:
	struct Options {
		std::size_t max_buffer = 0, low_buffer = 0; // bytes; 0: 1 MiB, and drained wholly
		Bound<> on_drain{}, on_close{};             // after on_close the stream is closed: writes do nothing
		Bound<std::string_view> on_data{};          // upgrades only
	};
	/// Starts the answer. protocol: the Upgrade header's value for a 101, nullptr for an ordinary answer with `status`.
	Stream(Request &&r, const char *protocol, int status, std::span<const pb_header> headers, Options o) noexcept : host(r.host), options(o)
	{
		pb_request *raw = std::exchange(r.request, nullptr);
		if (!raw) return;
		const pb_stream_events e{sizeof(pb_stream_events), o.max_buffer, o.low_buffer, &Stream::drained, &Stream::data, &Stream::closed};
		stream = protocol ? host->http->upgrade(raw, protocol, headers.data(), headers.size(), &e, this)
						  : host->http->stream(raw, status, headers.data(), headers.size(), &e, this);
	}
	Stream(const Stream &) = delete;
	Stream &operator=(const Stream &) = delete;
	~Stream() { end(); }
	/// Returns how many bytes wait now.
	std::size_t write(std::string_view data) noexcept { return stream ? host->http->write(stream, data.data(), data.size()) : 0; }
	[[nodiscard]] std::size_t buffered() const noexcept { return stream ? host->http->buffered(stream) : 0; }
	void end() noexcept
	{
		if (stream) host->http->end(std::exchange(stream, nullptr));
	}
	[[nodiscard]] bool is_open() const noexcept { return stream != nullptr; }

private:
	static void drained(void *self) noexcept
	{
		auto *s = static_cast<Stream *>(self);
		s->options.on_drain();
	}
	static void data(void *self, const void *d, std::size_t n) noexcept
	{
		auto *s = static_cast<Stream *>(self);
		s->options.on_data({static_cast<const char *>(d), n});
	}
	static void closed(void *self) noexcept
	{
		auto *s = static_cast<Stream *>(self);
		s->stream = nullptr;
		s->options.on_close(); // may delete s
	}
	const pb_host *host;
	Options options;
	pb_stream *stream = nullptr;
};

/// No parameters.
struct None {
	static constexpr auto fields = pb::fields();
};

struct RouteOptions {
	const char *help = "";
	uint32_t flags = 0; // pb_route_flags
	pb_role role = PB_ROLE_DEFAULT;
	milliseconds deadline{};
	std::uint64_t max_body = 0;
	const char *produces = nullptr; // content types of its replies; application/json
};

/// A topic or a method as a route; no handler needed.
class Route : public Item {
public:
	Route(Scope &s, const char *pattern, const Topic &t, RouteOptions o = {}) : Route(s, pattern, "topic:" + t.name, o) {}
	Route(Scope &s, const char *pattern, const std::string &target, RouteOptions o = {})
		: Item(s, [&](pb_error *e) {
			  const pb_route r{sizeof(pb_route), o.flags, pattern, o.help, target.c_str(), nullptr, nullptr, nullptr, o.role, o.deadline.count(), o.max_body,
				  nullptr, nullptr, o.produces};
			  return s.host->http->add_route(s.raw, &r, e);
		  })
	{}
};

struct FilesOptions {
	const char *cache_control = nullptr;  // "no-cache", so that the ETag is asked each time
	std::span<const pb_header> headers{}; // on every reply
	pb_role role = PB_ROLE_DEFAULT;       // viewer
};

/// A folder whose files are served where no route is; see pb_files.
class Files : public Item {
public:
	Files(Scope &s, const char *prefix, const std::string &folder, FilesOptions o = {})
		: Item(s, [&](pb_error *e) {
			  const pb_files f{sizeof(pb_files), o.role, prefix, folder.c_str(), o.cache_control, o.headers.data(), o.headers.size()};
			  return s.host->http->add_files(s.raw, &f, e);
		  })
	{}
};

/// A further address to listen on, for clients of an older program; see pb_http.add_listener.
class Listener : public Item {
public:
	/// on_change: nullptr where it listens now, else why it does not (it goes on trying).
	Listener(Scope &s, const char *address, Bound<const pb_error *> on_change = {})
		: Item(s, [&](pb_error *e) { return s.host->http->add_listener(s.raw, address, on_change.call, on_change.self, e); })
	{}
};

/// The full handler: `void on_x(const Path &, const Query &, const Body &, pb::Request)`; what it throws is the client's error. Each of the three is a struct
/// of fields, or pb::None.
template<typename Path = None, typename Query = None, typename Body = None> class Handler : public Item {
public:
	using On = Throwing<const Path &, const Query &, const Body &, Request &&>;
	Handler(Scope &s, const char *pattern, On on_request, RouteOptions o = {})
		: Item(s,
			  [&](pb_error *e) {
				  const pb_route r{sizeof(pb_route), o.flags, pattern, o.help, nullptr, field_table<Path>, field_table<Query>, field_table<Body>, o.role,
					  o.deadline.count(), o.max_body, &Handler::run, this, o.produces};
				  return s.host->http->add_route(s.raw, &r, e);
			  }),
		  on(on_request)
	{}

private:
	static void run(void *self, pb_request *request, const json_t *args) noexcept
	{
		auto *h = static_cast<Handler *>(self);
		detail::Rescue<pb_request> rescue(request);
		Request r(h->host, request);
		detail::guarded([&] { h->on.call(h->on.self, read_fields<Path>(args), read_fields<Query>(args), read_fields<Body>(args), std::move(r)); },
			[&](const pb_error &e) {
				if (pb_request *kept = rescue.take()) Request(h->host, kept).fail(e);
				r.fail(e);
			});
	}
	On on;
};

} // namespace pb
