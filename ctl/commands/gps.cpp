// gps: position, satellites, receivers; --watch draws it again with each change.
#include "commands/commands.hpp"
#include "look.hpp"

#include "http/event_stream.hpp"
#include "stream.hpp"
#include "terminal/table.hpp"
#include "terminal/text.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace ctl {

namespace {

std::string mode_text(const json_t *fix)
{
	switch (pb::integer_at(fix, "mode")) {
	case 3: return "3D fix";
	case 2: return "2D fix";
	case 1: return "no fix";
	default: return "unknown";
	}
}

std::string degrees(const json_t *fix)
{
	const auto lat = pb::number_at(fix, "lat"), lon = pb::number_at(fix, "lon");
	return lat && lon ? fmt::format("{:.6f}, {:.6f}", *lat, *lon) : "-";
}

/// "12.0 m/s (43.2 km/h) to 45°".
std::string motion(const json_t *fix)
{
	const auto speed = pb::number_at(fix, "speed"), track = pb::number_at(fix, "track");
	if (!speed) return "-";
	std::string out = fmt::format("{:.1f} m/s ({:.1f} km/h)", *speed, *speed * 3.6);
	if (track) out += fmt::format(" towards {:.0f}°", *track);
	return out;
}

std::string bar(double signal)
{
	static constexpr std::array<const char *, 6> steps{"", "▁", "▃", "▅", "▆", "█"};
	return steps[static_cast<std::size_t>(std::clamp(std::ceil(signal / 10), 0.0, 5.0))];
}

const char *constellation(std::int64_t gnssid)
{
	static constexpr std::array<const char *, 8> names{"GPS", "SBAS", "Galileo", "BeiDou", "IMES", "QZSS", "GLONASS", "NavIC"};
	return gnssid >= 0 && gnssid < static_cast<std::int64_t>(names.size()) ? names[static_cast<std::size_t>(gnssid)] : "-";
}

void show_satellites(Output &out, const json_t *sky)
{
	Table table(
		{{"SATELLITE"}, {"SYSTEM"}, {"ELEVATION", Column::Align::right}, {"AZIMUTH", Column::Align::right}, {"SIGNAL", Column::Align::right}, {""}, {"USED"}});
	for (const json_t *s : Entries(pb::at(sky, "satellites"))) {
		const bool is_used = pb::bool_at(s, "used");
		const json_t *system = pb::at(s, "gnssid");
		table.row({figure(pb::at(s, "PRN")), json_is_integer(system) ? constellation(json_integer_value(system)) : "-", figure(pb::at(s, "el"), 0, "°"),
			figure(pb::at(s, "az"), 0, "°"), figure(pb::at(s, "ss"), 0), bar(pb::number_at(s, "ss").value_or(0)),
			{is_used ? "yes" : "no", is_used ? Style::good : Style::faint}});
	}
	if (!table.is_empty()) out.line(), table.print(out);
}

void show(Output &out, const json_t *gps)
{
	const json_t *fix = pb::at(gps, "fix"), *sky = pb::at(gps, "sky"), *link = pb::at(gps, "link");
	const bool is_stale = pb::bool_at(gps, "stale"), has_fix = pb::integer_at(fix, "mode") >= 2;
	const auto row = [&](const char *name, std::string_view value, Style style = Style::plain) {
		out.pad(name, 12, Style::faint);
		out.line(harmless(value), style);
	};
	const auto age = pb::number_at(gps, "age_ms");
	const std::string old = age ? fmt::format(", {} ago{}", duration_text(Seconds(*age / 1000)), is_stale ? ", stale" : "") : "";
	row("fix", mode_text(fix) + old, is_stale ? Style::odd : has_fix ? Style::good : Style::bad);
	row("position", degrees(fix));
	row("altitude", figure(pb::at(fix, "altMSL"), 1, "m above the sea"));
	row("motion", motion(fix));
	row("error", fmt::format("{} across, {} up (95 %)", figure(pb::at(fix, "eph"), 1, "m"), figure(pb::at(fix, "epv"), 1, "m")));
	row("time", text_or_dash(fix, "time"));
	row("satellites", fmt::format("{} used of {}", figure(pb::at(sky, "uSat")), figure(pb::at(sky, "nSat"))));
	const std::string_view state = text_or_dash(link, "state"), reason = pb::text_at(link, "reason");
	row("gpsd", reason.empty() ? std::string(state) : fmt::format("{}: {}", state, reason), style_of(state));
	for (const json_t *d : Entries(pb::at(gps, "devices")))
		row("receiver", fmt::format("{}  {}{}", text_or_dash(d, "path"), text_or_dash(d, "driver"),
							json_is_integer(pb::at(d, "bps")) ? fmt::format("  {} baud", pb::integer_at(d, "bps")) : ""));
	show_satellites(out, sky);
}

/// One screen a change, at most four a second: each fix asks for the whole again, which costs the daemon next to nothing.
int follow(Context &context)
{
	Output &out = context.out;
	Access second = context.access; // one connection streams, the other asks
	second.targets = {context.client().target()};
	Client asking(second);
	auto last = std::chrono::steady_clock::time_point{};
	Stream stream(context, "events?topics=gps/fix,gps/link,gps/sky");
	return stream.run([&](const Event &event) {
		if (event.name != "gps/fix" && event.name != "gps/link" && event.name != "gps/sky") return true;
		const auto now = std::chrono::steady_clock::now();
		if (now - last < std::chrono::milliseconds(250)) return true;
		last = now;
		const std::string body = asking.get("gps");
		if (context.wants_json) out.json(body);
		else {
			if (out.is_terminal()) out.home();
			show(out, pb::Json::parse(body).get());
			if (!out.is_terminal()) out.line();
		}
		out.flush();
		return true;
	});
}

} // namespace

int gps(Context &context, const Arguments &arguments)
{
	const pb::Json now = arguments.has("watch") ? context.client().json("gps") : get_or_print(context, "gps"); // first, so that a refusal ends it
	if (arguments.has("watch")) return follow(context);
	if (now) show(context.out, now.get());
	return done;
}

} // namespace ctl
