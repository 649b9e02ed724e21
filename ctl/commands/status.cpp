// status: one screen. What runs, then what is wrong, each with what to do.
#include "commands/commands.hpp"
#include "failure.hpp"
#include "look.hpp"
#include "wrong.hpp"

#include "terminal/text.hpp"

#include <fmt/format.h>

#include <map>

namespace ctl {

namespace {

/// What is asked for, and which plugin has to run for it.
struct Part {
	const char *name, *plugin, *path;
};
constexpr Part parts[]{{"http", "", "topics/core/http"}, {"gps", "gpsd", "gps"}, {"kismet", "kismet", "kismet"}, {"air", "kismet", "topics/kismet/summary"},
	{"csv", "csv", "csv"}, {"processes", "procs", "procs"}, {"interfaces", "netif", "topics/netif/summary"}, {"ports", "ports", "topics/ports/conflicts"},
	{"recovery", "recovery", "recovery"}, {"locks", "locks", "topics/locks/summary"}};

void row(Output &out, const char *name, std::string_view state, std::string_view rest, Style style)
{
	out.add("  ");
	out.pad(name, 12, Style::bold);
	out.pad(harmless(state), 13, style);
	const std::size_t most = out.columns() > 27 ? out.columns() - 27 : 0;
	const std::string text = harmless(rest);
	out.line(most > 0 ? cut_to(text, most) : text);
}

void show_gps(Output &out, const json_t *gps)
{
	const json_t *fix = pb::at(gps, "fix"), *sky = pb::at(gps, "sky"), *link = pb::at(gps, "link");
	const std::string_view state = text_or_dash(link, "state");
	if (state != "up" && state != "silent") return row(out, "GPS", state, pb::text_at(link, "reason"), style_of(state));
	const auto mode = pb::integer_at(fix, "mode");
	const auto lat = pb::number_at(fix, "lat"), lon = pb::number_at(fix, "lon"), age = pb::number_at(gps, "age_ms");
	const bool is_stale = pb::bool_at(gps, "stale");
	std::string text;
	if (lat && lon) text = fmt::format("{:.6f}, {:.6f}  ", *lat, *lon);
	text += fmt::format("{} of {} satellites", figure(pb::at(sky, "uSat")), figure(pb::at(sky, "nSat")));
	if (age) text += fmt::format("  {} ago", duration_text(Seconds(*age / 1000)));
	row(out, "GPS",
		mode == 3   ? "3D fix"
		: mode == 2 ? "2D fix"
					: "no fix",
		text + (is_stale ? ", stale" : ""), mode >= 2 && !is_stale ? Style::good : Style::odd);
}

void show_kismet(Output &out, const json_t *link, const json_t *summary, const json_t *csv)
{
	const std::string_view state = text_or_dash(link, "state");
	std::string text(pb::text_at(link, "reason"));
	if (state == "up" && json_is_object(summary)) {
		text = fmt::format("{} devices  {} networks  {} alerts  {} packets/s", count_text(pb::integer_at(summary, "devices")),
			count_text(pb::integer_at(summary, "networks")), count_text(pb::integer_at(summary, "alerts")), figure(pb::at(summary, "packets_per_second")));
	} else if (json_array_size(pb::at(csv, "files")) > 0) {
		text = fmt::format("{} devices from its logs", count_text(pb::integer_at(csv, "devices")));
	}
	row(out, "Kismet", state, text, style_of(state));
}

void show_processes(Output &out, const json_t *list)
{
	std::map<std::string_view, std::vector<std::string_view>> by_state;
	for (const json_t *p : Entries(pb::at(list, "processes"))) by_state[text_or_dash(p, "state")].push_back(text_or_dash(p, "name"));
	if (by_state.empty()) return row(out, "Processes", "none", "none are configured", Style::faint);
	bool is_first = true;
	for (const auto &[state, names] : by_state) {
		row(out, is_first ? "Processes" : "", fmt::format("{} {}", names.size(), state), fmt::format("{}", fmt::join(names, ", ")), style_of(state));
		is_first = false;
	}
}

void show_interfaces(Output &out, const json_t *list)
{
	std::string owned, up;
	for (const json_t *i : Entries(pb::at(list, "interfaces"))) {
		const std::string_view name = text_or_dash(i, "name");
		const json_t *owner = pb::at(i, "owner");
		if (json_is_object(owner))
			owned += fmt::format("{}{}: {} has it, {}", owned.empty() ? "" : "; ", name, text_or_dash(owner, "owner"), text_or_dash(i, "mode"));
		else if (pb::text_at(i, "state") == "up" && pb::text_at(i, "kind") != "loopback") up += fmt::format("{}{}", up.empty() ? "" : ", ", name);
	}
	row(out, "Interfaces", owned.empty() ? "free" : "owned", owned.empty() ? (up.empty() ? "" : "up: " + up) : owned,
		owned.empty() ? Style::plain : Style::good);
}

void show_plugins(Output &out, const json_t *list)
{
	std::map<std::string_view, int> by_state;
	for (const json_t *p : Entries(pb::at(list, "plugins"))) ++by_state[text_or_dash(p, "state")];
	std::string others;
	for (const auto &[state, n] : by_state)
		if (state != "running") others += fmt::format("{}{} {}", others.empty() ? "" : ", ", n, state);
	row(out, "Plugins", fmt::format("{} running", by_state["running"]), others, by_state.contains("failed") ? Style::bad : Style::good);
}

/// Each part's body as it came; parts whose plugin does not run, or that have no value yet, are not there.
std::map<std::string, std::string> gather(Context &context, const std::string &plugins)
{
	const pb::Json list = pb::Json::parse(plugins);
	std::map<std::string, std::string> out{{"plugins", plugins}};
	for (const Part &p : parts) {
		bool runs = !*p.plugin;
		for (const json_t *e : Entries(pb::at(list.get(), "plugins")))
			runs = runs || (pb::text_at(e, "name") == p.plugin && pb::text_at(e, "state") == "running");
		if (!runs) continue;
		Answer answer = context.client().ask("GET", p.path);
		if (answer.status == 200) out[p.name] = std::move(answer.body);
		else if (answer.status == 401 || answer.status == 403) throw as_failure(answer);
	}
	return out;
}

void show_wrong(Output &out, const std::vector<Wrong> &wrong)
{
	out.line();
	if (wrong.empty()) return out.line("Nothing is wrong.", Style::good);
	for (const Wrong &w : wrong) {
		out.add(w.is_severe ? "  ✗ " : "  ! ", w.is_severe ? Style::bad : Style::odd);
		out.line(harmless(w.text));
		if (!w.advice.empty()) out.line("    → " + harmless(w.advice), Style::faint);
	}
}

} // namespace

int status(Context &context, const Arguments &)
{
	const auto bodies = gather(context, context.client().get("plugins"));
	Output &out = context.out;
	if (context.wants_json) {
		std::string all;
		for (const auto &[name, body] : bodies) all += fmt::format("{}\"{}\":{}", all.empty() ? "" : ",", name, body);
		out.json("{" + all + "}");
		return done;
	}
	Parts found;
	for (const auto &[name, body] : bodies) {
		pb::Json value = pb::Json::parse(body);
		const json_t *kept = pb::at(value.get(), "topic") ? pb::at(value.get(), "value") : nullptr; // a topic's reply
		found[name] = kept ? pb::Json::share(kept) : std::move(value);
	}
	const auto part = [&](const char *name) { return found.contains(name) ? found[name].get() : nullptr; };
	const json_t *daemon = pb::at(part("plugins"), "daemon");
	const auto since = pb::number_at(daemon, "since_ms");
	const Seconds up = std::chrono::system_clock::now().time_since_epoch() - Seconds(since.value_or(0) / 1000);
	out.add(fmt::format("Patchbay {}", harmless(text_or_dash(daemon, "version"))), Style::bold);
	out.line(fmt::format("  {}, PID {}, up {}", harmless(context.client().target().text), figure(pb::at(daemon, "pid")), since ? duration_text(up) : "-"),
		Style::faint);
	out.line();
	if (part("gps")) show_gps(out, part("gps"));
	if (part("kismet")) show_kismet(out, part("kismet"), part("air"), part("csv"));
	if (part("processes")) show_processes(out, part("processes"));
	if (part("interfaces")) show_interfaces(out, part("interfaces"));
	if (part("locks"))
		row(out, "Locks", fmt::format("{} held", pb::integer_at(part("locks"), "held")), fmt::format("{} waiting", pb::integer_at(part("locks"), "waiting")),
			Style::plain);
	show_plugins(out, part("plugins"));
	show_wrong(out, wrong_with(found));
	return done;
}

} // namespace ctl
