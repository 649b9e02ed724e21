// clock: tells the time, once an interval. The smallest plugin that uses all five words.
#include <patchbay/patchbay.hpp>

using namespace std::chrono_literals;

namespace {

/// [plugins.clock] in patchbay.toml, and the arguments of clock.set_interval.
struct Settings {
	std::chrono::milliseconds interval;
	static constexpr auto fields =
		pb::fields(pb::field("interval", &Settings::interval, {.fallback = "1s", .min = 100ms, .max = 1h, .help = "time between two values of clock/now"}));
};

class Clock final {
public:
	using Settings = ::Settings;
	Clock(pb::Scope &scope, const Settings &settings)
		: now(scope, "clock/now", "unix time in ms and the number of values so far"),
		  route(scope, "GET clock", now), // serves the kept value, with ETag: no handler needed
		  set_interval(scope, "clock.set_interval", pb::bind<&Clock::on_set_interval>(this), {.help = "change the interval"}),
		  timer(scope, pb::bind<&Clock::on_timer>(this))
	{
		configure(settings);
	}
	void configure(const Settings &settings) noexcept { timer.every(settings.interval, pb::from_now); }

private:
	void on_timer() noexcept { now.publish({{"unix_ms", pb::unix_ms()}, {"count", ++count}}); }
	void on_set_interval(const Settings &args, pb::Reply reply)
	{
		configure(args);
		reply({{"interval_ms", args.interval.count()}});
	}

	std::int64_t count = 0;
	pb::Topic now;
	pb::Route route;
	pb::Method<Settings> set_interval;
	pb::Timer timer; // last in, first out: no tick can meet a half-destroyed clock
};

} // namespace

PATCHBAY_PLUGIN(Clock, "clock", "1.0.0", "")
