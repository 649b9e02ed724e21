// devices, alerts: what is in the air, as Kismet or its logs have it.
#include "commands/commands.hpp"
#include "failure.hpp"
#include "look.hpp"

#include "terminal/table.hpp"
#include "terminal/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>

namespace ctl {

namespace {

/// "10m" → the time so long ago, as the daemon wants it; anything else is the daemon's to judge.
std::string since_text(const std::string &given)
{
	const auto ago = parse_duration(given);
	if (!ago) return given;
	const auto at = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::seconds>(*ago));
	std::tm utc{};
	gmtime_r(&at, &utc);
	std::array<char, 32> out{};
	(void)std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
	return out.data();
}

std::string query_of(const Arguments &arguments)
{
	std::string out = fmt::format("?limit={}", escaped(arguments.get("limit").value_or("50")));
	if (const auto v = arguments.get("type")) out += "&type=" + escaped(*v);
	if (const auto v = arguments.get("search")) out += "&q=" + escaped(*v);
	if (const auto v = arguments.get("since")) out += "&since=" + escaped(since_text(*v));
	if (const auto v = arguments.get("sort")) out += "&sort=" + escaped(*v);
	return out;
}

/// Kismet where it is up, else its logs where there are some, else whichever is there.
std::string source_of(Context &context, const Arguments &arguments)
{
	std::string source = arguments.get("source").value_or("auto");
	if (source == "kismet" || source == "csv") return source;
	if (source != "auto") throw Failure(bad_usage, fmt::format("--source {}: it is kismet, csv or auto", harmless(source)));
	bool has_kismet = false, has_csv = false;
	const pb::Json plugins = context.client().json("plugins");
	for (const json_t *p : Entries(pb::at(plugins.get(), "plugins"))) {
		const bool runs = pb::text_at(p, "state") == "running";
		if (pb::text_at(p, "name") == "kismet") has_kismet = runs;
		if (pb::text_at(p, "name") == "csv") has_csv = runs;
	}
	if (!has_kismet || !has_csv) return has_csv ? "csv" : "kismet";
	const Answer link = context.client().ask("GET", "topics/kismet/link");
	if (link.status != 200 || pb::text_at(pb::at(pb::Json::parse(link.body).get(), "value"), "state") == "up") return "kismet";
	const pb::Json logs = context.client().json("csv");
	return json_array_size(pb::at(logs.get(), "files")) > 0 ? "csv" : "kismet";
}

Style strength(std::optional<double> dbm) noexcept { return !dbm ? Style::faint : *dbm >= -60 ? Style::good : *dbm >= -80 ? Style::plain : Style::faint; }

Style severity_style(std::string_view severity) noexcept
{
	return severity == "critical" || severity == "high" ? Style::bad : severity == "medium" ? Style::odd : Style::plain;
}

} // namespace

int devices(Context &context, const Arguments &arguments)
{
	const std::string source = source_of(context, arguments);
	const pb::Json list = get_or_print(context, source + "/devices" + query_of(arguments));
	if (!list) return done;
	Table table({{"NAME"}, {"MAC"}, {"TYPE"}, {"CH", Column::Align::right}, {"dBm", Column::Align::right}, {"PACKETS", Column::Align::right},
		{"SEEN", Column::Align::right}, {"MAKER"}});
	for (const json_t *d : Entries(pb::at(list.get(), "devices"))) {
		const auto last = pb::number_at(pb::at(d, "signal"), "last");
		table.row({text_or_dash(d, "name"), text_or_dash(d, "mac"), text_or_dash(d, "type"), text_or_dash(d, "channel"),
			{last ? fmt::format("{:.0f}", *last) : "-", strength(last)}, figure(pb::at(d, "packets")), age_text(pb::text_at(d, "lastSeen")),
			text_or_dash(d, "manufacturer")});
	}
	table.print(context.out);
	const auto total = pb::integer_at(list.get(), "total");
	context.out.line(fmt::format("{} of {} devices, from {}", json_array_size(pb::at(list.get(), "devices")), count_text(total), source), Style::faint);
	return done;
}

int alerts(Context &context, const Arguments &arguments)
{
	const pb::Json list = get_or_print(context, "kismet/alerts" + query_of(arguments));
	if (!list) return done;
	Table table({{"SEVERITY"}, {"AGE", Column::Align::right}, {"TYPE"}, {"MESSAGE"}});
	for (const json_t *a : Entries(pb::at(list.get(), "alerts"))) {
		const std::string_view severity = text_or_dash(a, "severity");
		table.row({{severity, severity_style(severity)}, age_text(pb::text_at(a, "timestamp")), text_or_dash(a, "type"), text_or_dash(a, "message")});
	}
	if (table.is_empty()) context.out.line("no alerts");
	else table.print(context.out);
	return done;
}

} // namespace ctl
