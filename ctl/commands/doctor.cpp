// doctor: looks at the daemon and at the machine for what usually goes wrong; one line each, with what mends it.
#include "build_config.hpp"
#include "commands/commands.hpp"
#include "doctor/checks.hpp"
#include "failure.hpp"
#include "look.hpp"
#include "wrong.hpp"

#include "terminal/text.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>

namespace ctl {

namespace {

const char *word_of(Grade grade) noexcept { return grade == Grade::good ? "good" : grade == Grade::odd ? "odd" : "bad"; }

/// What the daemon says of itself: what the machine cannot show.
Parts ask(Client &client)
{
	Parts parts;
	parts["plugins"] = client.json("plugins");
	const auto also = [&](const char *name, const char *path, bool is_topic) {
		const Answer answer = client.ask("GET", path);
		const pb::Json body = answer.status == 200 ? pb::Json::parse(answer.body) : pb::Json();
		if (body) parts[name] = pb::Json::share(is_topic ? pb::at(body.get(), "value") : body.get());
	};
	also("http", "topics/core/http", true);
	also("kismet", "topics/kismet/link", true);
	also("processes", "procs", false);
	also("ports", "topics/ports/conflicts", true);
	also("recovery", "recovery", false);
	return parts;
}

bool is_here(const Target &target)
{
	return !target.unix_path.empty() || target.base.find("//127.") != std::string::npos || target.base.find("//localhost") != std::string::npos ||
		   target.base.find("//[::1]") != std::string::npos;
}

/// The file that the daemon runs with, the one that was named, or the installed one where there is one.
std::string config_file(const Arguments &arguments, const Parts &parts)
{
	if (const auto given = arguments.get("config")) {
		if (access(given->c_str(), R_OK) != 0) throw Failure(bad_usage, fmt::format("--config {}: it cannot be read", harmless(*given)));
		return *given;
	}
	if (const auto i = parts.find("plugins"); i != parts.end()) return std::string(pb::text_at(pb::at(i->second.get(), "config"), "file"));
	const std::string installed = PATCHBAY_SYSCONFDIR "/patchbay.toml";
	return access(installed.c_str(), F_OK) == 0 ? installed : "";
}

void look_at_machine(const Kit &kit, Findings &found)
{
	check_config(kit, found);
	if (kit.is_enabled("gpsd")) {
		const GpsdLook gpsd = look_at_gpsd(kit.text("gpsd", "host", "127.0.0.1"), kit.text("gpsd", "port", "2947"));
		check_gpsd(kit, gpsd, found);
		check_clock(gpsd, found);
	}
	check_kismet(kit, found);
	check_interfaces(kit, found);
	check_disks(kit, found);
}

void print(Context &context, const Findings &found)
{
	Output &out = context.out;
	if (context.wants_json) {
		pb::Json list = pb::Json::array();
		for (const Finding &f : found)
			list.push({{"about", f.about}, {"grade", word_of(f.grade)}, {"text", f.text}, {"mend", f.mend.empty() ? pb::Json(nullptr) : pb::Json(f.mend)}});
		return out.json(pb::Json{{"findings", std::move(list)}}.text());
	}
	for (const Finding &f : found) {
		const Style style = f.grade == Grade::good ? Style::good : f.grade == Grade::odd ? Style::odd : Style::bad;
		out.add(f.grade == Grade::good ? "✓ " : f.grade == Grade::odd ? "! " : "✗ ", style);
		out.add(harmless(f.text));
		if (!f.mend.empty()) out.add("  → " + harmless(f.mend), Style::bold);
		out.line();
	}
}

} // namespace

int doctor(Context &context, const Arguments &arguments)
{
	Findings found;
	Parts parts;
	std::string why;
	if (!arguments.has("offline")) {
		try {
			parts = ask(context.client());
			const Target &target = context.client().target();
			found.push_back({"patchbay", Grade::good, fmt::format("Patchbay answers at {}", target.text), ""});
		} catch (const Failure &f) {
			if (f.exit != unreachable) throw;
			why = f.text;
		}
	}
	const bool is_elsewhere = std::ranges::none_of(context.access.targets, &is_here);
	if (is_elsewhere && !why.empty()) throw Failure(unreachable, why);
	if (is_elsewhere) note("the daemon is on another machine: only what it says of itself is looked at");
	else {
		const Kit kit = read_kit(config_file(arguments, parts));
		if (!why.empty()) check_daemon_gone(kit, why, found);
		look_at_machine(kit, found);
	}
	if (std::ranges::any_of(found, [](const Finding &f) { return f.about == std::string_view("kismet") && f.grade != Grade::good; }))
		parts.erase("kismet"); // said once
	for (Wrong &w : wrong_with(parts)) {
		const bool is_known = std::ranges::any_of(found, [&](const Finding &f) { return f.text == w.text; });
		if (!is_known) found.push_back({"patchbay", w.is_severe ? Grade::bad : Grade::odd, std::move(w.text), std::move(w.advice)});
	}
	std::ranges::stable_sort(found, [](const Finding &a, const Finding &b) { return a.grade > b.grade; });
	print(context, found);
	return std::ranges::any_of(found, [](const Finding &f) { return f.grade == Grade::bad; }) ? not_done : done;
}

} // namespace ctl
