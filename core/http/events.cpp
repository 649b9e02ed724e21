#include "http/events.hpp"

#include "fields/check.hpp"
#include "http/router.hpp"
#include "http/stream.hpp"
#include "http/table.hpp"

#include <patchbay/websocket.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace core::http {

using namespace std::chrono_literals;

namespace {
constexpr auto beat_interval = 15s;
constexpr std::chrono::milliseconds most_at_once{5};
constexpr std::size_t clients_a_look = 32; // at the clock
constexpr unsigned most_stuck = 4;         // beats in which a client takes nothing of what waits for it
constexpr std::size_t slack = 16 * 1024;   // of a stream's limit, for framing and small things
constexpr std::size_t most_message = 8 * 1024;

struct Query {
	std::optional<std::string> topics;
	std::optional<std::int64_t> last_event_id;
	static constexpr auto fields = pb::fields(
		pb::field("topics", &Query::topics, {.max = 4096, .help = "patterns, with commas between: gps/fix,kismet/*; all topics where it is left out"}),
		pb::field("last_event_id", &Query::last_event_id, {.help = "as the header Last-Event-ID: kept values up to this sequence are not sent"}));
};

/// WebSocket speaks through the border, as it does for plugins.
const pb_host border = [] {
	pb_host h{};
	h.struct_size = sizeof h;
	h.abi_major = PB_ABI_MAJOR;
	h.abi_minor = PB_ABI_MINOR;
	h.http = &border_table;
	return h;
}();

Error bad_topics(const Error &why, std::string_view given)
{
	std::vector<fields::Fault> faults;
	faults.push_back({"topics", why.text, pb::Json(given.substr(0, 256))});
	return fields::as_error(std::move(faults));
}
} // namespace

/// Deletes itself when its connection ends.
class Events::Client : public EventClient {
public:
	Client(Events &events_, Form form_) : EventClient(events_.hub, form_), events(events_), place(events.clients.size())
	{
		if (events.clients.empty()) events.beat.once(beat_interval);
		events.clients.push_back(this);
	}
	~Client() override
	{
		events.clients[place] = events.clients.back();
		events.clients[place]->place = place;
		events.clients.pop_back();
		if (events.clients.empty()) events.beat.stop();
	}
	/// May delete it.
	virtual void on_beat(std::uint64_t n) = 0;

protected:
	Events &events;

private:
	std::size_t place;
};

class Events::SseClient final : public Client {
public:
	explicit SseClient(Events &events_) : Client(events_, Form::sse) {}
	/// False: the client has left.
	bool open(Request &r)
	{
		constexpr pb_header headers[]{{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
		pb_stream_events e{};
		e.struct_size = sizeof e;
		e.max_buffer = EventHub::most_waiting + slack;
		e.low_buffer = EventHub::low_water;
		e.on_drain = [](void *self) { static_cast<SseClient *>(self)->resume(); };
		e.on_close = [](void *self) { delete static_cast<SseClient *>(self); };
		stream = r.stream(200, headers, e, this);
		if (stream) stream->write(":\n\n");
		return stream != nullptr;
	}
	void on_beat(std::uint64_t) override
	{
		const std::size_t waits = waiting();
		if (waits == 0) {
			stuck = 0;
			(void)say(":\n\n");
			return;
		}
		stuck = waits == waited ? stuck + 1 : 0;
		waited = waits;
		if (stuck < most_stuck) return;
		stream->end();
		delete this;
	}

private:
	void write(std::string_view bytes) override { stream->write(bytes); }
	[[nodiscard]] std::size_t waiting() const override { return stream->buffered(); }
	Stream *stream = nullptr;
	std::size_t waited = 0; // at the last beat
	unsigned stuck = 0;
};

class Events::WsClient final : public Client {
public:
	WsClient(Events &events_, Request &r) : Client(events_, Form::ws), socket(pb::Request(&border, r.handle()), options()) {}
	[[nodiscard]] bool is_open() const noexcept { return socket.is_open(); }
	void on_beat(std::uint64_t n) override
	{
		if (n % 2 == 0) socket.tick(); // every 30 s
	}

private:
	pb::WebSocket::Options options()
	{
		pb::WebSocket::Options o;
		o.max_message = most_message;
		o.max_queue = EventHub::most_waiting;
		o.low_queue = EventHub::low_water;
		o.on_text = bind<&WsClient::on_text>(this);
		o.on_drain = bind<&WsClient::on_drain>(this);
		o.on_close = bind<&WsClient::on_close>(this);
		return o;
	}
	void on_drain() noexcept { resume(); }
	void on_close() noexcept { delete this; }
	void on_text(std::string_view text) noexcept
	{
		std::string why;
		const pb::Json message = pb::Json::parse(text, &why);
		if (!message) return refuse("INVALID_JSON", why);
		const json_t *more = pb::at(message.get(), "subscribe"), *less = pb::at(message.get(), "unsubscribe");
		if (!more && !less) return refuse("VALIDATION_ERROR", R"(send {"subscribe":["gps/*"]} or {"unsubscribe":["gps/*"]})");
		std::vector<std::string> next = patterns();
		if (auto added = names_in(more); !added) return refuse("VALIDATION_ERROR", added.error().text);
		else next.insert(next.end(), added->begin(), added->end());
		auto removed = names_in(less);
		if (!removed) return refuse("VALIDATION_ERROR", removed.error().text);
		std::ranges::sort(next);
		next.erase(std::unique(next.begin(), next.end()), next.end());
		std::erase_if(next, [&](const std::string &p) { return std::ranges::binary_search(*removed, p); });
		if (next.size() > EventHub::most_patterns) return refuse("VALIDATION_ERROR", fmt::format("more than {} patterns", EventHub::most_patterns));
		choose(std::move(next));
	}
	/// An array of patterns, or one; none where it is missing. Sorted.
	static Result<std::vector<std::string>> names_in(const json_t *value)
	{
		if (!value) return std::vector<std::string>();
		if (json_is_array(value) && json_array_size(value) == 0) return std::vector<std::string>();
		std::string all(pb::text_of(value));
		std::size_t i;
		json_t *one;
		json_array_foreach(const_cast<json_t *>(value), i, one) {
			if (!json_is_string(one)) return fail("a pattern is a string");
			all.append(pb::text_of(one)).append(",");
		}
		if (all.empty()) return fail("patterns are an array of strings");
		return parse_patterns(all);
	}
	void refuse(std::string_view code, std::string_view why)
	{
		const pb::Json message{{"error", code}, {"message", why}};
		(void)say(ws_message(message.text())); // a client that does not read need not know
	}
	void write(std::string_view bytes) override { socket.write_frames(bytes); }
	[[nodiscard]] std::size_t waiting() const override { return socket.buffered(); }
	pb::WebSocket socket; // last
};

Events::Events(Needs needs) : topics(needs.topics), hub(needs.reactor, needs.topics, needs.scope), beat(needs.reactor, bind<&Events::on_beat>(this))
{
	CoreRoute route{"GET events", "topic changes as Server-Sent Events, or over a WebSocket", bind<&Events::on_request>(this)};
	route.query = pb::field_table<Query>;
	route.flags = PB_ROUTE_NO_STORE;
	route.produces = "text/event-stream";
	(void)needs.router.add(needs.scope, route); // a good pattern, before any plugin's
	needs.metrics.add([this](Exposition &out) {
		out.family("patchbay_event_clients", "gauge", "clients of GET events");
		out.sample(static_cast<double>(clients.size()));
		out.family("patchbay_event_values_total", "counter", "values sent to clients of GET events");
		out.sample(static_cast<double>(hub.sent));
		out.family("patchbay_event_values_missed_total", "counter", "values left out for clients that read too slowly");
		out.sample(static_cast<double>(hub.missed));
	});
}

Events::~Events() = default;

std::uint64_t Events::after_of(const Request &request, const json_t *args) const
{
	std::uint64_t after = static_cast<std::uint64_t>(std::max<std::int64_t>(pb::integer_at(args, "last_event_id"), 0));
	if (const std::string_view header = request.head.get("Last-Event-ID"); !header.empty()) {
		std::uint64_t n = 0;
		const auto [end, problem] = std::from_chars(header.data(), header.data() + header.size(), n);
		after = problem == std::errc() && end == header.data() + header.size() ? n : 0;
	}
	return after > topics.last_seq() ? 0 : after; // of another life of the daemon
}

void Events::on_request(Request &r, const json_t *args) noexcept
{
	const bool is_websocket = lists(r.head.get("Upgrade"), "websocket");
	const json_t *given = pb::at(args, "topics");
	std::vector<std::string> patterns;
	if (given || !is_websocket) {
		auto parsed = parse_patterns(pb::text_of(given));
		if (!parsed) return r.fail(bad_topics(parsed.error(), pb::text_of(given)));
		patterns = std::move(*parsed);
	}
	const std::uint64_t after = after_of(r, args);
	if (is_websocket) {
		auto client = std::make_unique<WsClient>(*this, r);
		if (!client->is_open()) return; // refused, and answered
		client->choose(std::move(patterns), after);
		(void)client.release(); // its socket's end deletes it
		return;
	}
	if (r.is_head()) {
		constexpr pb_header headers[]{{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}};
		return r.respond(200, headers, {});
	}
	auto client = std::make_unique<SseClient>(*this);
	if (!client->open(r)) return;
	client->choose(std::move(patterns), after);
	(void)client.release();
}

void Events::on_beat() noexcept
{
	const auto until = std::chrono::steady_clock::now() + most_at_once;
	while (next < clients.size()) {
		clients[next++]->on_beat(beats);
		if (next % clients_a_look == 0 && std::chrono::steady_clock::now() > until) return beat.once(std::chrono::milliseconds(0));
	}
	next = 0;
	++beats;
	if (!clients.empty()) beat.once(beat_interval);
}

} // namespace core::http
