#include "http/request.hpp"

#include "http/connection.hpp"
#include "http/engine.hpp"
#include "http/handles.hpp"
#include "http/route.hpp"

#include <fmt/format.h>

#include <iterator>

namespace core::http {

namespace {
// The border's functions are given a handle and nothing else: one table for all servers of this thread.
thread_local Handles<Request> handles;

/// Streams that ask for no more than this are many and slow: the kernel must not hold megabytes for each.
constexpr std::size_t small_buffer = 128 << 10;

bool is_bodiless(int status) noexcept { return status < 200 || status == 204 || status == 304; }

/// What the core says itself, or what would break the framing.
bool is_ours(std::string_view name) noexcept
{
	return equals_blind(name, "Content-Length") || equals_blind(name, "Date") || equals_blind(name, "Connection") || equals_blind(name, "Transfer-Encoding") ||
		   equals_blind(name, "Keep-Alive");
}
} // namespace

const std::string *Request::query(std::string_view name) const noexcept
{
	for (const auto &[n, value] : query_pairs)
		if (n == name) return &value;
	return nullptr;
}

void Request::set_caller(std::string_view address, std::string_view name, int role)
{
	caller_address.assign(address);
	caller_name.assign(name);
	who = {sizeof(pb_caller), role, caller_address.c_str(), caller_name.c_str()};
}

// ---- the answer ----------------------------------------------------------------------------------------------------------

/// Whether a plugin's headers may go out; else 500 has been sent.
bool Request::check(std::span<const pb_header> headers)
{
	for (const pb_header &h : headers) {
		const std::string_view name = h.name ? h.name : "", value = h.value ? h.value : "";
		if (is_header_name(name) && is_header_value(value)) continue;
		engine.needs.log.error("a reply's header cannot be sent", {{"route", route ? pb::Json(route->pattern) : pb::Json(nullptr)}, {"header", name}});
		fail({fmt::format("the plugin's reply has a header that cannot be sent: {}", pb::utf8(name)), 500, {}, {}});
		return false;
	}
	return true;
}

/// Status line and a plugin's headers into the engine's scratch.
void Request::start(int status, std::span<const pb_header> headers)
{
	std::string &out = engine.first_lines;
	out.assign(status_line(status));
	for (const pb_header &h : headers) {
		if (!h.value || is_ours(h.name)) continue; // no value: left out
		out.append(h.name).append(": ").append(h.value).append("\r\n");
	}
}

void Request::finish(int status, std::string_view content)
{
	if (connection) {
		count(status);
		connection->answer(*this, engine.first_lines, is_head() ? std::string_view() : content);
	}
	engine.give_back(*this);
}

void Request::count(int status)
{
	(route ? *route->count : engine.figures.none).add(status);
	++engine.figures.requests;
}

void Request::respond(int status, std::span<const pb_header> headers, std::string_view content)
{
	if (!check(headers)) return;
	if (status < 200 || status > 599) return fail({fmt::format("the plugin answered with status {}, which is none", status), 500, {}, {}});
	if (status == 200 && (head.method == Method::get || is_head())) {
		for (const pb_header &h : headers)
			if (h.value && equals_blind(h.name, "ETag") && names_etag(head.get("If-None-Match"), h.value)) status = 304;
	}
	start(status, headers);
	if (is_bodiless(status)) content = {};
	else fmt::format_to(std::back_inserter(engine.first_lines), "Content-Length: {}\r\n", content.size());
	finish(status, content);
}

void Request::respond_raw(int status, std::string_view first_lines, std::string_view content)
{
	engine.first_lines.assign(first_lines);
	finish(status, content);
}

void Request::respond_text(int status, std::string_view json)
{
	engine.first_lines.assign(status_line(status));
	fmt::format_to(std::back_inserter(engine.first_lines), "Content-Type: application/json\r\n{}Content-Length: {}\r\n",
		route && (route->flags & PB_ROUTE_NO_STORE) != 0 ? "Cache-Control: no-store\r\n" : "", json.size());
	finish(status, json);
}

void Request::respond_json(int status, const json_t *value) { respond_text(status, pb::Json::share(value).text()); }

void Request::fail(const Error &error, std::string_view lines, const json_t *members)
{
	if (scope && scope->is_ending && error.status == 500) // let go of while its plugin stops
		return fail({fmt::format("plugin {} was stopped before it answered", scope->plugin), 503, {}, {}}, lines, members);
	const int status = error.status >= 400 && error.status <= 599 ? error.status : 500;
	const std::string content = error_body(error, members);
	engine.first_lines.assign(status_line(status));
	fmt::format_to(std::back_inserter(engine.first_lines), "Content-Type: application/json\r\n{}Content-Length: {}\r\n", lines, content.size());
	finish(status, content);
}

Stream *Request::stream(int status, std::span<const pb_header> headers, const pb_stream_events &events, void *self)
{
	if (!check(headers)) return nullptr;
	if (status < 200 || status > 599) {
		fail({fmt::format("the plugin answered with status {}, which is none", status), 500, {}, {}});
		return nullptr;
	}
	if (!connection) {
		engine.give_back(*this);
		return nullptr;
	}
	start(status, headers);
	Stream::Framing framing = head.is_1_0 ? Stream::Framing::raw : Stream::Framing::chunked;
	std::uint64_t length = 0;
	for (const pb_header &h : headers) {
		if (!h.value || !equals_blind(h.name, "Content-Length")) continue;
		if (!parse_length(h.value, length)) {
			fail({"the plugin's reply has a Content-Length that is no number", 500, {}, {}});
			return nullptr;
		}
		fmt::format_to(std::back_inserter(engine.first_lines), "Content-Length: {}\r\n", length);
		framing = Stream::Framing::counted;
	}
	if (framing == Stream::Framing::chunked && !is_bodiless(status)) engine.first_lines += "Transfer-Encoding: chunked\r\n";
	if (framing == Stream::Framing::raw) connection->end_after_this(); // HTTP/1.0 knows the end by the close
	if (is_head() || is_bodiless(status)) framing = Stream::Framing::none;
	return begin(status, framing, length, events, self, false);
}

Stream *Request::upgrade(std::string_view protocol, std::span<const pb_header> headers, const pb_stream_events &events, void *self)
{
	if (!check(headers)) return nullptr;
	if (!is_header_value(protocol) || protocol.empty()) {
		fail({"the plugin's upgrade names no protocol", 500, {}, {}});
		return nullptr;
	}
	if (!connection) {
		engine.give_back(*this);
		return nullptr;
	}
	if (head.is_1_0 || !lists(head.get("Connection"), "upgrade")) {
		const std::string line = fmt::format("Upgrade: {}\r\n", protocol);
		fail({fmt::format("this route speaks {} alone: send Connection: Upgrade and Upgrade: {}", protocol, protocol), 426, {}, {}}, line);
		return nullptr;
	}
	start(101, headers);
	fmt::format_to(std::back_inserter(engine.first_lines), "Upgrade: {}\r\nConnection: Upgrade\r\n", protocol);
	return begin(101, Stream::Framing::raw, 0, events, self, true);
}

Stream *Request::begin(int status, Stream::Framing framing, std::uint64_t length, const pb_stream_events &events, void *self, bool is_upgrade)
{
	count(status);
	if (events.max_buffer != 0 && events.max_buffer <= small_buffer) connection->limit_send_buffer(events.max_buffer);
	Stream &out =
		connection->begin_stream(*this, engine.first_lines, std::make_unique<Stream>(engine, *connection, scope, events, self, framing, length), is_upgrade);
	engine.give_back(*this);
	return &out;
}

// ---- while it is with its route ------------------------------------------------------------------------------------------

void Request::on_cancel(pb_tick_fn *told, void *self)
{
	cancelled = told;
	cancelled_self = self;
	if (connection) return;
	engine.needs.reactor.defer([h = handle()] { // it has left already
		if (Request *r = find(h)) r->tell_cancelled();
	});
}

void Request::on_body(pb_data_fn *taker_, void *self)
{
	taker = taker_;
	taker_self = self;
	if (connection) engine.later(*connection);
}

void Request::pause_body(bool is_paused)
{
	if (connection) connection->pause_body(is_paused);
}

pb_request *Request::handle()
{
	if (token == 0) token = handles.add(*this);
	return reinterpret_cast<pb_request *>(token);
}

Request *Request::find(const pb_request *handle) noexcept { return handles.find(reinterpret_cast<std::uintptr_t>(handle)); }

void Request::arm(std::chrono::milliseconds limit)
{
	if (!deadline) deadline = std::make_unique<Timer>(engine.needs.reactor, bind<&Request::on_deadline>(this));
	deadline->once(limit);
}

void Request::on_deadline() noexcept
{
	if (!connection) return;
	++engine.figures.timeouts;
	overrule({fmt::format("{} did not answer in time", route ? route->pattern : head.target), 504, {}, {}});
}

/// The client is answered at once; the request stays with who has it until that one has answered it, to nobody.
void Request::overrule(const Error &error)
{
	const std::string content = error_body(error);
	engine.first_lines.assign(status_line(error.status));
	fmt::format_to(std::back_inserter(engine.first_lines), "Content-Type: application/json\r\nContent-Length: {}\r\n", content.size());
	count(error.status);
	if (deadline) deadline->stop();
	std::exchange(connection, nullptr)->answer(*this, engine.first_lines, is_head() ? std::string_view() : content);
	tell_cancelled();
}

void Request::tell_cancelled()
{
	const auto told = std::exchange(cancelled, nullptr);
	if (!told || !scope) return;
	const Charge charge(engine.needs.reactor, scope->account);
	told(cancelled_self);
}

void Request::abandon()
{
	connection = nullptr;
	if (deadline) deadline->stop();
	if (call) engine.needs.methods.cancel(std::exchange(call, nullptr));
	if (token == 0) return engine.give_back(*this); // no handler has seen it
	tell_cancelled();
}

void Request::revoke(std::string_view why)
{
	cancelled = nullptr;
	taker = nullptr;
	if (call) engine.needs.methods.cancel(std::exchange(call, nullptr));
	fail({std::string(why), 503, {}, {}});
}

void Request::clear() noexcept
{
	constexpr std::size_t most_kept = 16 << 10; // bytes of memory that wait for the next request
	head.clear();
	path.clear();
	parts.clear();
	values.clear();
	query_pairs.clear();
	if (body.capacity() > most_kept) std::string().swap(body);
	body.clear();
	connection = nullptr;
	route = nullptr;
	scope = nullptr;
	from.reset();
	call = nullptr;
	cancelled = nullptr;
	taker = nullptr;
	if (deadline) deadline->stop();
	if (token != 0) handles.drop(std::exchange(token, 0));
}

} // namespace core::http
