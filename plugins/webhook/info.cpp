#include "info.hpp"

#include "text.hpp"

#include <fmt/format.h>

namespace webhook {

namespace {
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
constexpr auto keep_for = 1s, ports_interval = 5s;

/// The first IPv4 address, else the first.
pb::Json address_of(const json_t *interface)
{
	const json_t *all = pb::at(interface, "addresses");
	std::size_t i;
	json_t *a;
	json_array_foreach(const_cast<json_t *>(all), i, a)
		if (pb::text_of(a).find(':') == std::string_view::npos) return pb::Json::share(a);
	return or_null(json_array_get(all, 0));
}

const json_t *leader(const json_t *devices) noexcept
{
	std::size_t i;
	json_t *d;
	json_array_foreach(const_cast<json_t *>(devices), i, d)
		if (pb::bool_at(d, "leads")) return d;
	return json_array_get(devices, 0);
}

const json_t *row(const json_t *table, std::string_view name) noexcept
{
	std::size_t i;
	json_t *r;
	json_array_foreach(const_cast<json_t *>(pb::at(table, "ports")), i, r)
		if (pb::text_at(r, "name") == name) return r;
	return nullptr;
}

pb::Json folder_of(std::string_view path)
{
	const std::size_t slash = path.rfind('/');
	if (slash == std::string_view::npos) return nullptr;
	return path.substr(0, slash == 0 ? 1 : slash);
}
} // namespace

Info::Info(pb::Scope &scope_, const Known &known_, Machine &machine_, std::string config_dir_)
	: scope(scope_), known(known_), machine(machine_), config_dir(std::move(config_dir_)),
	  info_route(scope_, "GET info", pb::bind<&Info::on_info>(this), {.help = "the machine, its services, interfaces and ports", .flags = PB_ROUTE_NO_STORE}),
	  flat_route(
		  scope_, "GET /info", pb::bind<&Info::on_flat>(this), {.help = "position and services, as the older pages read them", .flags = PB_ROUTE_NO_STORE})
{}

/// Ports are scanned when somebody asks, and the answer is for the next: no request waits for it.
void Info::refresh_ports()
{
	const auto now = Clock::now();
	if (!known.runs("ports") || (ports_at != Clock::time_point{} && now - ports_at < ports_interval)) return;
	ports_at = now;
	scope.call("ports.list", {});
}

pb::Json Info::services() const
{
	const json_t *link = known.at("kismet/link"), *summary = known.at("kismet/summary");
	pb::Json sources = summary ? pb::Json::array() : pb::Json(nullptr);
	std::size_t i;
	json_t *s;
	json_array_foreach(pb::at(summary, "sources"), i, s) sources.push(or_null(pb::at(s, "interface")));
	const json_t *gps = leader(known.at("gps/devices"));
	const json_t *spectrum = row(known.at("ports/table"), "spectrum"), *openwebrx = row(known.at("ports/table"), "openwebrx");
	pb::Json kismet{{"version", known.is_kismet_up() ? or_null(pb::at(link, "version")) : pb::Json(nullptr)},
		{"configPath", machine.has_config_dir() ? pb::Json(config_dir) : pb::Json(nullptr)}, {"dataPath", folder_of(pb::text_at(known.at("csv/file"), "path"))},
		{"interfaces", std::move(sources)}};
	pb::Json receiver{{"device", or_null(pb::at(gps, "path"))}, {"baudRate", or_null(pb::at(gps, "bps"))}, {"protocol", or_null(pb::at(gps, "driver"))}};
	pb::Json others{{"version", nullptr}, {"port", or_null(pb::at(spectrum, "port"))},
		{"openwebrxConnected", openwebrx ? pb::Json(pb::text_at(openwebrx, "state") == "ok") : pb::Json(nullptr)}};
	return {{"kismet", std::move(kismet)}, {"gps", std::move(receiver)}, {"spectrum", std::move(others)}};
}

pb::Json Info::interfaces() const
{
	const json_t *all = pb::at(known.at("netif/summary"), "interfaces");
	if (!all) return nullptr;
	pb::Json out = pb::Json::array();
	std::size_t i;
	json_t *e;
	json_array_foreach(const_cast<json_t *>(all), i, e) {
		const std::string_view kind = pb::text_at(e, "kind");
		if (kind == "loopback") continue;
		out.push({{"name", or_null(pb::at(e, "name"))}, {"address", address_of(e)}, {"mac", or_null(pb::at(e, "mac"))},
			{"type", kind == "wireless" ? "wireless" : "ethernet"}, {"monitoring", pb::text_at(e, "mode") == "monitor"}});
	}
	return out;
}

void Info::on_info(const pb::None &, const pb::None &, const pb::None &, pb::Request request)
{
	refresh_ports();
	const auto now = Clock::now();
	if (kept.empty() || kept_generation != known.generation() || now - kept_at > keep_for) {
		const pb::Json body{{"success", true}, {"system", machine.json()}, {"services", services()}, {"network", pb::Json{{"interfaces", interfaces()}}},
			{"ports", or_null(pb::at(known.at("ports/table"), "ports"))}};
		kept = body.text();
		kept.pop_back();
		kept_generation = known.generation();
		kept_at = now;
	}
	request.respond(200, "application/json", fmt::format(R"({},"timestamp":"{}"}})", kept, iso_now()));
}

pb::Json Info::gps() const
{
	const json_t *link = known.at("gps/link"), *fix = known.at("gps/fix");
	const std::string_view state = pb::text_at(link, "state");
	pb::Json out{{"lat", nullptr}, {"lon", nullptr}, {"alt", nullptr}, {"mode", nullptr}, {"time", nullptr}, {"speed", nullptr}, {"track", nullptr}};
	if (state != "up") return std::move(out.set("status", "GPS Timeout"));
	const std::int64_t mode = pb::bool_at(link, "stale") ? 0 : pb::integer_at(fix, "mode");
	out.set("mode", mode);
	if (mode < 2) return std::move(out.set("status", "No Fix"));
	for (const char *name : {"lat", "lon", "time", "speed", "track"}) out.set(name, or_null(pb::at(fix, name)));
	const json_t *sea = pb::at(fix, "altMSL");
	out.set("alt", or_null(json_is_number(sea) ? sea : pb::at(fix, "altHAE")));
	return std::move(out.set("status", mode == 2 ? "2D Fix" : "3D Fix"));
}

void Info::on_flat(const pb::None &, const pb::None &, const pb::None &, pb::Request request)
{
	const auto word = [](bool is_there) { return is_there ? "Running" : "Not Running"; };
	request.json(
		200, stamped({{"ip", request.caller().address}, {"gps", gps()}, {"kismet", word(known.is_kismet_there())}, {"wigle", word(known.is_wigle_there())}}));
}

} // namespace webhook
