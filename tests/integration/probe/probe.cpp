// A plugin that does on request what a plugin should not: for the tests of the host. Built in several forms (see meson.build).
#include <patchbay/http.h>
#include <patchbay/patchbay.hpp>

#include <csignal>
#include <ctime>
#include <list>
#include <memory>
#include <thread>

using namespace std::chrono_literals;

namespace {

struct Settings {
	std::string greeting;
	std::chrono::milliseconds delay;
	std::int64_t load;
	bool refuse;
	static constexpr auto fields =
		pb::fields(pb::field("greeting", &Settings::greeting, {.fallback = "\"hello\"", .min = 1, .max = 20, .help = "what it says"}),
			pb::field("delay", &Settings::delay, {.fallback = "200ms", .min = 1ms, .max = 10s, .help = "how long a slow answer takes"}),
			pb::field("load", &Settings::load, {.fallback = "0", .min = 0, .max = 100, .help = "values published each tick"}),
			pb::field("refuse", &Settings::refuse, {.fallback = "false", .help = "new settings are refused"}));
};

struct Echo {
	std::string text;
	static constexpr auto fields = pb::fields(pb::field("text", &Echo::text, {.min = 1, .max = 100, .help = "comes back"}));
};

class Probe final {
public:
	using Settings = ::Settings;
	Probe(pb::Scope &scope_, const Settings &first)
		: scope(scope_), settings(first), value(scope, PROBE_NAME "/value", "the greeting and the version"),
		  count_topic(scope, PROBE_NAME "/count", "grows", 0), get(scope, "GET " PROBE_NAME, pb::bind<&Probe::on_get>(this)),
		  slow(scope, "GET " PROBE_NAME "/slow", pb::bind<&Probe::on_slow>(this)),
		  never(scope, "GET " PROBE_NAME "/never", pb::bind<&Probe::on_never>(this), {.deadline = 500ms}),
		  throws(scope, "GET " PROBE_NAME "/throw", pb::bind<&Probe::on_throw>(this)),
		  crashes(scope, "POST " PROBE_NAME "/crash", pb::bind<&Probe::on_crash>(this)),
		  hangs(scope, "POST " PROBE_NAME "/hang", pb::bind<&Probe::on_hang>(this)), holds(scope, "POST " PROBE_NAME "/hold", pb::bind<&Probe::on_hold>(this)),
		  streams(scope, "GET " PROBE_NAME "/stream", pb::bind<&Probe::on_stream>(this)),
		  gone(scope, "GET " PROBE_NAME "/gone", pb::bind<&Probe::on_gone>(this)), value_route(scope, "GET " PROBE_NAME "/value", value),
		  echo(scope, PROBE_NAME ".echo", pb::bind<&Probe::on_echo>(this), {.help = "gives back"}),
		  admin(scope, PROBE_NAME ".admin", pb::bind<&Probe::on_echo>(this), {.help = "for admins", .role = PB_ADMIN}),
		  works(scope, PROBE_NAME ".work", pb::bind<&Probe::on_work>(this), {.help = "does it on a worker"}),
		  echo_route(scope, "POST " PROBE_NAME "/echo", std::string("method:" PROBE_NAME ".echo")), timer(scope, pb::bind<&Probe::on_timer>(this)),
		  waiter(scope, pb::bind<&Probe::on_waited>(this))
	{
#ifdef PROBE_THROWS
		throw pb::Error(500, "", "it never starts");
#endif
		tell();
		if (settings.load > 0) timer.every(1ms);
	}

	void configure(const Settings &next)
	{
		if (next.refuse) throw pb::Error(422, "", "these settings are refused");
		settings = next;
		tell();
	}

private:
	void tell() { value.publish({{"greeting", settings.greeting}, {"version", PROBE_VERSION}}); }
	void on_timer() noexcept
	{
		for (std::int64_t i = 0; i < settings.load; ++i) count_topic.publish(++count);
	}
	void on_get(const pb::None &, const pb::None &, const pb::None &, pb::Request r)
	{
		r.json(200, {{"version", PROBE_VERSION}, {"greeting", settings.greeting}});
	}
	void on_slow(const pb::None &, const pb::None &, const pb::None &, pb::Request r)
	{
		waiting.push_back(std::move(r));
		waiting.back().on_cancel(pb::bind<&Probe::on_cancel>(this));
		waiter.once(settings.delay);
	}
	void on_waited() noexcept
	{
		for (pb::Request &r : std::exchange(waiting, {})) r.json(200, {{"version", PROBE_VERSION}});
	}
	void on_never(const pb::None &, const pb::None &, const pb::None &, pb::Request r)
	{
		kept.push_back(std::move(r));
		kept.back().on_cancel(pb::bind<&Probe::on_cancel>(this));
	}
	void on_cancel() noexcept { ++cancelled; }
	void on_gone(const pb::None &, const pb::None &, const pb::None &, pb::Request r) { r.json(200, {{"cancelled", cancelled}, {"closed", closed}}); }
	void on_throw(const pb::None &, const pb::None &, const pb::None &, pb::Request &&) { throw std::runtime_error("thrown by the probe"); }
	void on_crash(const pb::None &, const pb::None &, const pb::None &, pb::Request) { *static_cast<volatile int *>(nullptr) = 1; }
	void on_hang(const pb::None &, const pb::None &, const pb::None &, pb::Request)
	{
		for (const volatile bool forever = true; forever;) {}
	}
	void on_hold(const pb::None &, const pb::None &, const pb::None &, pb::Request r)
	{
		const timespec time{0, 50'000'000}; // what no plugin may do: the loop stands still
		nanosleep(&time, nullptr);
		r.json(200, {{"held", true}});
	}
	void on_stream(const pb::None &, const pb::None &, const pb::None &, pb::Request r)
	{
		const pb_header h[]{{"Content-Type", "text/plain"}};
		stream = std::make_unique<pb::Stream>(std::move(r), nullptr, 200, h, pb::Stream::Options{.on_close = pb::bind<&Probe::on_closed>(this)});
		stream->write("first\n");
	}
	void on_closed() noexcept { ++closed; }
	void on_echo(const Echo &args, pb::Reply reply) { reply({{"text", args.text}}); }
	void on_work(const Echo &args, pb::Reply reply)
	{
		auto r = std::make_shared<pb::Reply>(std::move(reply)); // shared: lambdas are copied
		scope.work([text = args.text] { return text + " from a worker"; }, [r](const std::string &text) { (*r)({{"text", text}}); });
	}

	pb::Scope &scope;
	Settings settings;
	std::int64_t count = 0, cancelled = 0, closed = 0;
	std::list<pb::Request> waiting, kept;
	std::unique_ptr<pb::Stream> stream;
	pb::Topic value, count_topic;
	pb::Handler<> get, slow, never, throws, crashes, hangs, holds, streams, gone;
	pb::Route value_route;
	pb::Method<Echo> echo, admin, works;
	pb::Route echo_route;
	pb::Timer timer, waiter;
};

} // namespace

PATCHBAY_PLUGIN_WITH(Probe, PROBE_NAME, PROBE_VERSION, PROBE_NEEDS, PROBE_FLAGS)
