// kismet: a client of Kismet's REST interface and event bus: the link, the devices, the alerts.
#include "kismet/air.hpp"
#include "kismet/session.hpp"

#include <patchbay/patchbay.hpp>

#include <string>

using namespace std::chrono_literals;

namespace kismet {
namespace {

/// [plugins.kismet] in patchbay.toml.
struct Settings {
	std::string url, username, password, api_token, password_file, process;
	std::chrono::milliseconds poll_interval, idle_interval, health_interval, timeout;
	std::int64_t max_devices, max_alerts;
	bool event_bus;
	static constexpr auto fields = pb::fields(
		pb::field("url", &Settings::url, {.fallback = "\"http://127.0.0.1:2501\"", .min = 1, .max = 512, .help = "where Kismet answers"}),
		pb::field("username", &Settings::username, {.fallback = "\"\"", .max = 256, .help = "of Kismet's own login"}),
		pb::field("password", &Settings::password, {.fallback = "\"\"", .max = 1024, .flags = PB_SECRET, .help = "of Kismet's own login"}),
		pb::field("api_token", &Settings::api_token,
			{.fallback = "\"\"", .max = 1024, .flags = PB_SECRET, .help = "an API key of Kismet's, in place of name and password"}),
		pb::field("password_file", &Settings::password_file,
			{.fallback = "\"\"", .max = 4096, .help = "a file with the password or the key; Kismet's own kismet_httpd.conf will do. Read at each attempt"}),
		pb::field(
			"process", &Settings::process, {.fallback = "\"kismet\"", .min = 1, .max = 64, .help = "what Kismet's process is called, in `procs` and in /proc"}),
		pb::field("poll_interval", &Settings::poll_interval,
			{.fallback = "2s", .min = 100ms, .max = 1h, .help = "between two polls for changed devices while somebody looks"}),
		pb::field("idle_interval", &Settings::idle_interval, {.fallback = "30s", .min = 100ms, .max = 1h, .help = "the same while nobody does"}),
		pb::field("health_interval", &Settings::health_interval, {.fallback = "30s", .min = 100ms, .max = 1h, .help = "between two looks at Kismet's status"}),
		pb::field("timeout", &Settings::timeout, {.fallback = "5s", .min = 100ms, .max = 10min, .help = "for each whole answer"}),
		pb::field(
			"max_devices", &Settings::max_devices, {.fallback = "20000", .min = 1, .max = 1'000'000, .help = "devices kept; past it the oldest seen go first"}),
		pb::field("max_alerts", &Settings::max_alerts, {.fallback = "2000", .min = 1, .max = 100'000, .help = "alerts kept; past it the oldest go first"}),
		pb::field("event_bus", &Settings::event_bus, {.fallback = "true", .help = "have new devices, alerts and messages pushed; false: polls carry all"}));

	[[nodiscard]] Session::Options options() const
	{
		std::string why;
		auto target = parse_url(url, why);
		if (!target) throw pb::Error(400, "", why);
		return {
			url, std::move(*target), username, password, api_token, password_file, poll_interval, idle_interval, health_interval, timeout, process, event_bus};
	}
};

class Kismet final {
public:
	using Settings = kismet::Settings;
	Kismet(pb::Scope &scope, const Settings &s)
		: link(scope, "kismet/link", "how it stands between us and Kismet: down, starting, unauthorized, unhealthy or up, why, and what to do"),
		  air(scope, {static_cast<std::size_t>(s.max_devices), static_cast<std::size_t>(s.max_alerts)}, pb::bind<&Kismet::on_watch>(this)),
		  session(scope, air, s.options(), pb::bind<&Kismet::on_link>(this)),
		  link_route(scope, "GET kismet", link, {.help = "the link, as the topic kismet/link has it"}),
		  devices_route(scope, "GET kismet/devices", pb::bind<&Kismet::on_devices>(this), {.help = "devices in the air: filtered, sorted, in pages"}),
		  device_route(scope, "GET kismet/devices/{mac}", pb::bind<&Kismet::on_device>(this), {.help = "one device with the history of its signal"}),
		  alerts_route(scope, "GET kismet/alerts", pb::bind<&Kismet::on_alerts>(this), {.help = "Kismet's alerts: filtered, sorted, in pages"}),
		  devices_method(
			  scope, "kismet.devices", pb::bind<&Kismet::on_devices_call>(this), {.help = "devices, as GET kismet/devices gives them", .role = PB_VIEWER}),
		  networks_method(scope, "kismet.networks", pb::bind<&Kismet::on_networks_call>(this), {.help = "the networks among them", .role = PB_VIEWER}),
		  alerts_method(
			  scope, "kismet.alerts", pb::bind<&Kismet::on_alerts_call>(this), {.help = "alerts, as GET kismet/alerts gives them", .role = PB_VIEWER}),
		  data_method(scope, "kismet.data", pb::bind<&Kismet::on_data_call>(this),
			  {.help = "`data` of the contract's kismet-data; 503 unless Kismet is up", .role = PB_VIEWER}),
		  refresh_method(scope, "kismet.refresh", pb::bind<&Kismet::on_refresh>(this),
			  {.help = "ask Kismet for everything now; answered when it has come", .deadline = 60s})
	{
		session.start();
	}

private:
	void on_watch(int is_watched) noexcept { session.watch(is_watched != 0); }
	void on_link() noexcept { link.publish(session.link().json()); }

	void on_devices(const pb::None &, const devices::ListArgs &args, const pb::None &, pb::Request &&r)
	{
		session.look();
		r.respond(200, "application/json", air.replies.devices(args.query()));
	}
	void on_device(const devices::MacPath &path, const pb::None &, const pb::None &, pb::Request &&r)
	{
		session.look();
		r.respond(200, "application/json", air.replies.device(path.mac));
	}
	void on_alerts(const pb::None &, const devices::AlertArgs &args, const pb::None &, pb::Request &&r)
	{
		session.look();
		r.respond(200, "application/json", air.replies.alert_list(args.query()));
	}
	void on_devices_call(const devices::ListArgs &args, pb::Reply &&reply)
	{
		session.look();
		reply.text(air.replies.devices(args.query()));
	}
	void on_networks_call(const devices::ListArgs &args, pb::Reply &&reply)
	{
		session.look();
		reply.text(air.replies.networks(args.query()));
	}
	void on_alerts_call(const devices::AlertArgs &args, pb::Reply &&reply)
	{
		session.look();
		reply.text(air.replies.alert_list(args.query()));
	}
	void on_data_call(const devices::DataArgs &args, pb::Reply &&reply)
	{
		session.look();
		const Link &l = session.link();
		if (l.state != State::up)
			throw pb::Error(
				503, "KISMET_UNAVAILABLE", l.reason.empty() ? "Kismet has not answered yet" : l.reason, {{"state", state_name(l.state)}, {"hint", l.hint}});
		reply.text(air.replies.data(args));
	}
	void on_refresh(const pb::None &, pb::Reply &&reply) { session.refresh(std::move(reply)); }

	pb::Topic link;
	Air air;
	Session session;
	pb::Route link_route;
	pb::Handler<pb::None, devices::ListArgs> devices_route;
	pb::Handler<devices::MacPath> device_route;
	pb::Handler<pb::None, devices::AlertArgs> alerts_route;
	pb::Method<devices::ListArgs> devices_method, networks_method;
	pb::Method<devices::AlertArgs> alerts_method;
	pb::Method<devices::DataArgs> data_method;
	pb::Method<pb::None> refresh_method;
};

} // namespace
} // namespace kismet

PATCHBAY_PLUGIN(kismet::Kismet, "kismet", "1.0.0", "")
