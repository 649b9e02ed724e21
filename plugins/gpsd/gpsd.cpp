// The gpsd plugin: follows a gpsd as it speaks, and publishes position, sky, devices and the state of the link.
#include "ensure.hpp"
#include "fix.hpp"
#include "link.hpp"
#include "text.hpp"
#include "unpack.hpp"

#include <fmt/format.h>

namespace gpsd {
namespace {

using namespace std::chrono_literals;

struct Settings {
	std::string host;
	std::uint16_t port;
	bool ensure;
	std::string unit;
	milliseconds stale_after, switch_after, silent_after, answer_within;
	std::string process;
	static constexpr auto fields =
		pb::fields(pb::field("host", &Settings::host, {.fallback = "\"127.0.0.1\"", .min = 1, .max = 253, .help = "where gpsd listens: an address or a name"}),
			pb::field("port", &Settings::port, {.fallback = "2947", .min = 1, .max = 65535, .help = "its port"}),
			pb::field("ensure", &Settings::ensure, {.fallback = "false", .help = "where nothing listens on this machine, ask systemd to start gpsd"}),
			pb::field("unit", &Settings::unit, {.fallback = "\"gpsd.service\"", .min = 1, .max = 255, .help = "what `ensure` starts"}),
			pb::field("stale_after", &Settings::stale_after,
				{.fallback = "5s", .min = 500ms, .max = 1h, .help = "a fix older than this is stale, but never sooner than three of the receiver's cycles"}),
			pb::field("switch_after", &Settings::switch_after,
				{.fallback = "3s", .min = 0, .max = 1h, .help = "with several receivers: so long another one must be the better one before it leads"}),
			pb::field("silent_after", &Settings::silent_after,
				{.fallback = "10s", .min = 1s, .max = 1h, .help = "with a device present and no line for so long, gpsd is asked whether it is there"}),
			pb::field("answer_within", &Settings::answer_within,
				{.fallback = "10s", .min = 1s, .max = 1min, .help = "gpsd must greet and answer within this, else the link is down"}),
			pb::field("process", &Settings::process,
				{.fallback = "\"gpsd\"", .min = 1, .max = 64, .help = "its name among the processes of procs: when that one is ready, gpsd is tried at once"}));
};

/// Wires the parts: lines → reports → receivers → topics. All that is published is written in publish_*().
class Plugin final {
public:
	using Settings = gpsd::Settings;
	Plugin(pb::Scope &scope, const Settings &settings);
	void configure(const Settings &settings);

private:
	void on_line(std::string_view line) noexcept;
	void on_read() noexcept { review(); }
	void on_review() noexcept { review(); }
	void on_link_state() noexcept;
	void on_refused() noexcept;
	void on_ensured(Ensure::Outcome outcome) noexcept;
	void on_process(const pb_value &value) noexcept;
	void on_raw_watched(int is_watched) noexcept { is_raw_watched = is_watched != 0; }
	void on_get(const pb::None &, const pb::None &, const pb::None &, pb::Request request);
	void on_reconnect(const pb::None &, pb::Reply reply);

	void take(const Version &v);
	void take(const Watching &) { link.watching(); }
	void take(const Devices &d) { receivers.set_devices(d.list); }
	void take(const Device &d) { receivers.set_device(d); }
	void take(const Fix &f) { take_or_warn(receivers.take(f, Clock::now()), f.device); }
	void take(const Sky &s) { take_or_warn(receivers.take(s, Clock::now()), s.device); }
	void take(const Complaint &c) { scope.warn(fmt::format("gpsd {}: it complains", link.place()), {{"reason", c.message}}); }
	void take_or_warn(bool is_taken, const std::string &device);
	void garbage(std::string_view line);

	void review();
	void publish_fix(Time now);
	void publish_devices();
	void publish_link();
	[[nodiscard]] std::string receivers_text(Time now) const;
	[[nodiscard]] bool is_stale(Time now) const { return !has_fix || now - fix_arrived > fix_stale_after; }

	pb::Scope &scope;
	Settings settings;
	Unpacker unpacker;
	std::vector<Report> reports; // of the present line
	Receivers receivers;
	unsigned bad_lines = 0; // in a row

	// What was published last. The fix outlives the link and its receiver, and grows old.
	std::string fix_text = "null", sky_text = "null", devices_text, link_text, release;
	bool has_fix = false, is_raw_watched = false;
	Time fix_arrived{};
	milliseconds fix_stale_after{};
	std::string last_warning;
	Time last_ensured{};
	std::vector<pb::Reply> waiting; // for the end of an attempt

	pb::Topic fix_topic, fixes_topic, sky_topic, devices_topic, link_topic, raw_topic;
	pb::Handler<> route;
	pb::Method<pb::None> reconnect;
	Link link;
	Ensure ensure;
	pb::Timer reviewing;
	std::optional<pb::Subscription> started; // of `process`
};

constexpr unsigned max_bad_lines = 1000;
constexpr std::size_t max_waiting = 32;
constexpr auto ensure_every = 60s;

Plugin::Plugin(pb::Scope &scope_, const Settings &settings_)
	: scope(scope_), settings(settings_), fix_topic(scope, "gps/fix", "the leading receiver's position: gpsd's TPV, its names and units; null: missing"),
	  fixes_topic(scope, "gps/fixes", "where there are several receivers: the position of each, by device"),
	  sky_topic(scope, "gps/sky", "the leading receiver's satellites and dilutions: gpsd's SKY"),
	  devices_topic(scope, "gps/devices", "what gpsd has opened, and which receiver leads"),
	  link_topic(scope, "gps/link", "the connection to gpsd: state, reason, since, next_attempt, stale"),
	  raw_topic(scope, "gps/raw", "every line of gpsd as it came", PB_TRANSIENT, pb::bind<&Plugin::on_raw_watched>(this)),
	  route(scope, "GET gps", pb::bind<&Plugin::on_get>(this),
		  {.help = "position, sky, devices and link, with the age of the position", .flags = PB_ROUTE_NO_STORE}),
	  reconnect(
		  scope, "gpsd.reconnect", pb::bind<&Plugin::on_reconnect>(this), {.help = "connect to gpsd anew, now; answers once that has succeeded or failed"}),
	  link(scope, {.on_line = pb::bind<&Plugin::on_line>(this),
					  .on_read = pb::bind<&Plugin::on_read>(this),
					  .on_state = pb::bind<&Plugin::on_link_state>(this),
					  .on_refused = pb::bind<&Plugin::on_refused>(this)}),
	  ensure(scope, pb::bind<&Plugin::on_ensured>(this)), reviewing(scope, pb::bind<&Plugin::on_review>(this))
{
	settings.port = 0; // connects in any case
	configure(settings_);
}

void Plugin::configure(const Settings &now)
{
	const bool is_elsewhere = now.host != settings.host || now.port != settings.port, is_other_process = !started || now.process != settings.process;
	settings = now;
	receivers.rules = {settings.stale_after, settings.switch_after};
	link.limits = {settings.silent_after, settings.answer_within};
	last_ensured = {};
	if (is_other_process) started.emplace(scope, ("procs/" + settings.process).c_str(), pb::bind<&Plugin::on_process>(this), PB_UNWATCHED);
	if (is_elsewhere) link.open(settings.host, settings.port);
	else review();
}

// ---- what comes in ----------------------------------------------------------------------------------------------------

void Plugin::on_line(std::string_view line) noexcept
{
	reports.clear();
	if (!unpacker.unpack(line, reports)) return garbage(line);
	if (link.awaits_banner() && !(reports.size() == 1 && std::holds_alternative<Version>(reports.front())))
		return link.refuse("what answers there does not greet as gpsd does; is that its port?");
	bad_lines = 0;
	for (const Report &r : reports) std::visit([this](const auto &x) { take(x); }, r);
	link.expect_lines(receivers.has_device());
	if (is_raw_watched) raw_topic.publish_text(pb::Json::own(json_loadb(line.data(), line.size(), 0, nullptr)).text());
}

void Plugin::garbage(std::string_view line)
{
	if (link.awaits_banner()) return link.refuse("what answers there does not speak gpsd's protocol; is that its port?");
	scope.warn(fmt::format("gpsd {}: a line that is no use", link.place()), {{"reason", unpacker.why()}, {"line", line.substr(0, 200)}});
	if (++bad_lines >= max_bad_lines) link.refuse(fmt::format("{} useless lines in a row", max_bad_lines));
}

void Plugin::take(const Version &v)
{
	release = v.release;
	link.banner();
}

void Plugin::take_or_warn(bool is_taken, const std::string &device)
{
	if (!is_taken)
		scope.warn(
			fmt::format("gpsd {}: it reports more than {} devices; the others are left out", link.place(), Receivers::max_receivers), {{"device", device}});
}

// ---- what goes out ----------------------------------------------------------------------------------------------------

/// After what one read brought, and when time alone changes something.
void Plugin::review()
{
	const auto now = Clock::now();
	receivers.choose(now);
	publish_fix(now);
	publish_devices();
	publish_link();
	auto next = receivers.next(now);
	if (has_fix && !is_stale(now)) next = std::min(next.value_or(Time::max()), fix_arrived + fix_stale_after + 1ms);
	if (next) reviewing.once(std::chrono::ceil<milliseconds>(*next - now));
	else reviewing.stop();
}

void Plugin::publish_fix(Time now)
{
	const Receiver *r = receivers.leader();
	if (!r || !r->fix) return;
	fix_stale_after = receivers.stale_after(*r);
	if (r->arrived != fix_arrived || !has_fix) {
		has_fix = true;
		fix_arrived = r->arrived;
		fix_text = to_text(*r->fix);
		fix_topic.publish_text(fix_text);
	}
	if (r->sky)
		if (auto text = to_text(*r->sky); text != sky_text) {
			sky_text = std::move(text);
			sky_topic.publish_text(sky_text);
		}
	if (receivers.all().size() < 2) return;
	std::string all = "{";
	for (const auto &[path, x] : receivers.all())
		if (x.fix && !receivers.is_stale(x, now)) all += fmt::format("{}{}:{}", all.size() > 1 ? "," : "", pb::Json(path).text(), to_text(*x.fix));
	fixes_topic.publish_text(all + "}");
}

void Plugin::publish_devices()
{
	const Receiver *leader = receivers.leader();
	std::string text = "[";
	for (const auto &[path, r] : receivers.all()) {
		if (text.size() > 1) text += ',';
		text += open_text(r.device) + (&r == leader ? ",\"leads\":true}" : ",\"leads\":false}");
	}
	text += ']';
	if (text == devices_text) return;
	devices_text = std::move(text);
	devices_topic.publish_text(devices_text);
}

void Plugin::publish_link()
{
	auto text = fmt::format("{{\"state\":\"{}\",\"reason\":{},\"since\":{},\"next_attempt\":{},\"stale\":{},\"address\":{},\"release\":{},\"ensure\":{}}}",
		name_of(link.state()), quoted(link.reason()), quoted_time(link.since_ms()), quoted_time(link.next_attempt_ms()), is_stale(Clock::now()),
		quoted(link.place()), quoted(release), quoted(ensure.is_busy() ? "systemd is asked to start " + settings.unit : ensure.words()));
	if (text == link_text) return;
	link_text = std::move(text);
	link_topic.publish_text(link_text);
}

// ---- the link ---------------------------------------------------------------------------------------------------------

void Plugin::on_link_state() noexcept
{
	const auto state = link.state();
	if (state == Link::State::down || state == Link::State::connecting) {
		receivers.clear();
		bad_lines = 0;
		release.clear();
	}
	if (state == Link::State::up && !last_warning.empty()) {
		scope.info(fmt::format("gpsd {}: up again", link.place()));
		last_warning.clear();
	} else if (state == Link::State::down && link.reason() != last_warning) { // once a condition, however often it is tried
		last_warning = link.reason();
		scope.warn(last_warning);
	}
	review();
	if (state != Link::State::up && state != Link::State::down) return;
	for (auto &reply : std::exchange(waiting, {})) reply.text(link_text);
}

void Plugin::on_refused() noexcept
{
	const auto now = Clock::now();
	if (!settings.ensure || ensure.is_busy() || (last_ensured != Time{} && now - last_ensured < ensure_every)) return;
	if (!link.is_local()) {
		scope.warn(fmt::format("gpsd {}: `ensure` starts gpsd on this machine alone", link.place()));
		return;
	}
	last_ensured = now;
	ensure.start(settings.unit);
	publish_link();
}

void Plugin::on_ensured(Ensure::Outcome outcome) noexcept
{
	const auto text = fmt::format("gpsd {}: {}", link.place(), ensure.words());
	if (outcome == Ensure::Outcome::started) {
		scope.info(text);
		if (link.state() == Link::State::down) return link.reconnect();
	} else {
		scope.warn(text);
	}
	publish_link();
}

/// Started by procs: there is no need to wait for the next attempt.
void Plugin::on_process(const pb_value &value) noexcept
{
	if (pb::text_at(value.json, "state") == "ready" && link.state() == Link::State::down) link.reconnect();
}

// ---- what is asked ----------------------------------------------------------------------------------------------------

std::string Plugin::receivers_text(Time now) const
{
	const Receiver *leader = receivers.leader();
	std::string out = "[";
	for (const auto &[path, r] : receivers.all()) {
		const auto age = std::chrono::duration_cast<milliseconds>(now - r.arrived).count();
		out += fmt::format("{}{},\"leads\":{},\"fix\":{},\"age_ms\":{},\"stale\":{}}}", out.size() > 1 ? "," : "", open_text(r.device), &r == leader,
			r.fix ? to_text(*r.fix) : "null", r.fix ? std::to_string(age) : "null", receivers.is_stale(r, now));
	}
	return out + "]";
}

void Plugin::on_get(const pb::None &, const pb::None &, const pb::None &, pb::Request request)
{
	const auto now = Clock::now();
	const auto age = std::chrono::duration_cast<milliseconds>(now - fix_arrived).count();
	request.respond(200, "application/json",
		fmt::format("{{\"fix\":{},\"sky\":{},\"devices\":{},\"link\":{},\"age_ms\":{},\"stale\":{}}}", fix_text, sky_text, receivers_text(now), link_text,
			has_fix ? std::to_string(age) : "null", is_stale(now)));
}

void Plugin::on_reconnect(const pb::None &, pb::Reply reply)
{
	if (waiting.size() >= max_waiting) throw pb::Error(503, "", "too many callers wait for this already");
	waiting.push_back(std::move(reply));
	last_ensured = {};
	link.reconnect();
}

} // namespace
} // namespace gpsd

PATCHBAY_PLUGIN(gpsd::Plugin, "gpsd", "0.1.0", "")
