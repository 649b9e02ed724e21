#include "wrong.hpp"

#include "look.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ctl {

namespace {

class Judge {
public:
	void plugins(const json_t *answer)
	{
		const json_t *config = pb::at(answer, "config");
		if (!pb::bool_at(config, "ok", true))
			say(true, fmt::format("the configuration is not used: {}", pb::text_at(config, "error")),
				"patchbayctl config check, then mend the file; it is read again at once");
		for (const json_t *p : Entries(pb::at(answer, "plugins"))) {
			const std::string_view name = text_or_dash(p, "name"), state = text_or_dash(p, "state");
			if (state == "failed")
				say(true, fmt::format("plugin {}: {}", name, pb::text_at(p, "reason", "failed")),
					fmt::format("patchbayctl logs; then patchbayctl reload {}", name));
			if (state == "waiting") say(false, fmt::format("plugin {} waits: {}", name, pb::text_at(p, "reason")), "");
		}
	}
	void http(const json_t *answer)
	{
		for (const json_t *w : Entries(pb::at(answer, "warnings"))) say(false, std::string(pb::text_of(w)), "");
	}
	void gps(const json_t *answer)
	{
		const json_t *link = pb::at(answer, "link"), *fix = pb::at(answer, "fix");
		const std::string_view state = text_or_dash(link, "state");
		if (state == "down") say(true, std::string(pb::text_at(link, "reason", "gpsd cannot be reached")), "sudo systemctl start gpsd; patchbayctl doctor");
		else if (state == "silent") say(true, "gpsd says nothing any more", "sudo systemctl restart gpsd");
		else if (state == "up" && json_array_size(pb::at(answer, "devices")) == 0)
			say(true, "gpsd has no receiver", "plug it in; patchbayctl doctor says which device and rights");
		else if (state == "up" && pb::integer_at(fix, "mode") < 2) say(false, "no position yet", "a view of the sky, and a minute; patchbayctl gps --watch");
		else if (pb::bool_at(answer, "stale"))
			say(true, "the position is stale: the receiver has fallen silent", "unplug the receiver and plug it in again; patchbayctl gps");
	}
	void kismet(const json_t *answer)
	{
		const std::string_view state = text_or_dash(answer, "state");
		if (state == "down" || state == "unauthorized" || state == "unhealthy")
			say(state != "down", fmt::format("Kismet is {}: {}", state, pb::text_at(answer, "reason")), std::string(pb::text_at(answer, "hint")));
	}
	void processes(const json_t *answer)
	{
		for (const json_t *p : Entries(pb::at(answer, "processes"))) {
			const std::string_view name = text_or_dash(p, "name");
			if (pb::text_at(p, "state") == "failed")
				say(true, fmt::format("process {} failed: {}", name, pb::text_at(p, "reason", "no reason is known")),
					fmt::format("patchbayctl logs {0}; then patchbayctl start {0}", name));
		}
	}
	void interfaces(const json_t *answer)
	{
		for (const json_t *i : Entries(pb::at(answer, "interfaces"))) {
			const json_t *owner = pb::at(i, "owner"), *rfkill = pb::at(i, "rfkill");
			const std::string_view problem = pb::text_at(owner, "problem"), name = text_or_dash(i, "name");
			if (!problem.empty()) say(true, std::string(problem), fmt::format("patchbayctl release {} --owner {}", name, text_or_dash(owner, "owner")));
			if (pb::bool_at(rfkill, "soft") || pb::bool_at(rfkill, "hard"))
				say(true, fmt::format("the radio of {} is off", name), pb::bool_at(rfkill, "hard") ? "turn its switch on" : "sudo rfkill unblock wifi");
		}
	}
	void ports(const json_t *answer)
	{
		for (const json_t *p : Entries(pb::at(answer, "conflicts"))) {
			const auto pid = pb::integer_at(pb::at(p, "holder"), "pid");
			say(true, std::string(pb::text_at(p, "message", "a port is taken")), pid > 0 ? fmt::format("sudo kill {}", pid) : "patchbayctl ports");
		}
	}
	void recovery(const json_t *answer)
	{
		for (const json_t *i : Entries(pb::at(answer, "incidents"))) {
			const std::string_view state = text_or_dash(i, "state");
			if (json_is_string(pb::at(i, "ended")) || state == "recovered") continue;
			const bool is_given_up = state == "given up";
			const std::string text =
				fmt::format("incident {} ({}), {}: {}", text_or_dash(i, "class"), text_or_dash(i, "topic"), state, pb::text_at(i, "reason"));
			say(is_given_up, text, is_given_up ? std::string(pb::text_at(i, "advice", "patchbayctl recovery")) : "patchbayctl recovery");
		}
	}
	std::vector<Wrong> found;

private:
	void say(bool is_severe, std::string text, std::string advice) { found.push_back({is_severe, std::move(text), std::move(advice)}); }
};

} // namespace

std::vector<Wrong> wrong_with(const Parts &parts)
{
	Judge judge;
	const auto look = [&](const char *name, void (Judge::*at)(const json_t *)) {
		if (const auto i = parts.find(name); i != parts.end()) (judge.*at)(i->second.get());
	};
	look("plugins", &Judge::plugins);
	look("http", &Judge::http);
	look("gps", &Judge::gps);
	look("kismet", &Judge::kismet);
	look("processes", &Judge::processes);
	look("interfaces", &Judge::interfaces);
	look("ports", &Judge::ports);
	look("recovery", &Judge::recovery);
	std::ranges::stable_sort(judge.found, [](const Wrong &a, const Wrong &b) { return a.is_severe && !b.is_severe; });
	return std::move(judge.found);
}

} // namespace ctl
