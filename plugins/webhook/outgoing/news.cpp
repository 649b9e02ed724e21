#include "news.hpp"

#include "../text.hpp"

#include <algorithm>

namespace webhook::outgoing {

namespace {
constexpr std::size_t most_single = 10, devices_together = 50;

bool is_up(std::string_view state) noexcept { return state == "running" || state == "ready" || state == "stopping"; }

/// S of the contract, made of a process's entry.
pb::Json status_of(const json_t *e)
{
	if (!is_up(pb::text_at(e, "state"))) {
		const json_t *last = pb::at(e, "last_exit");
		return {{"running", false}, {"pid", nullptr}, {"lastRunTime", or_null(pb::at(last, "time"))}, {"lastExitCode", or_null(pb::at(last, "code"))},
			{"lastSignal", or_null(pb::at(last, "signal"))}};
	}
	return {{"running", true}, {"pid", or_null(pb::at(e, "pid"))}, {"uptime", or_null(pb::at(e, "uptime"))}, {"startTime", or_null(pb::at(e, "started"))},
		{"memory", or_null(pb::at(e, "memory"))}, {"cpu", or_null(pb::at(e, "cpu"))}};
}

const char *action_of(const json_t *e, bool was_up)
{
	const std::string_view state = pb::text_at(e, "state");
	if (state == "failed") return "failed";
	if (is_up(state)) return was_up ? nullptr : "started";
	if (!was_up) return nullptr;
	return pb::text_at(e, "stopped_by") == "nobody" ? "exited" : "stopped";
}

pb::Json device_of(const json_t *d, const char *source)
{
	return {{"mac", or_null(pb::at(d, "mac"))}, {"type", or_null(pb::at(d, "type"))}, {"signal", or_null(pb::at(pb::at(d, "signal"), "last"))},
		{"timestamp", or_null(pb::at(d, "lastSeen"))}, {"name", or_null(pb::at(d, "name"))}, {"manufacturer", or_null(pb::at(d, "manufacturer"))},
		{"channel", or_null(pb::at(d, "channel"))}, {"location", or_null(pb::at(d, "location"))}, {"source", source}};
}
} // namespace

News::Look::Look(News &news, const char *pattern, pb::Bound<const pb_value &> on_value, uint32_t flags)
	: since(pb::unix_ms()), subscription(news.scope, pattern, on_value, flags)
{}

void News::look(std::unique_ptr<Look> &at, bool is_wanted, const char *pattern, pb::Bound<const pb_value &> on_value, uint32_t flags)
{
	if (!is_wanted) at.reset();
	else if (!at) at = std::make_unique<Look>(*this, pattern, on_value, flags);
}

void News::want(const std::set<std::string> &events)
{
	has_status = events.contains("statusUpdate");
	has_scripts = events.contains("scriptEvent");
	const bool has_devices = events.contains("newDevice");
	if (!has_status && !has_scripts) processes.clear();
	if (!events.contains("incident")) incidents.clear();
	// Unwatched: the states come all the same, and nothing is measured for us.
	look(procs_look, has_status || has_scripts, "procs/*", pb::bind<&News::on_process>(this), PB_UNWATCHED);
	look(kismet_look, has_devices, "kismet/changes", pb::bind<&News::on_kismet>(this));
	look(csv_look, has_devices, "csv/changes", pb::bind<&News::on_csv>(this));
	look(alerts_look, events.contains("alert"), "kismet/alerts", pb::bind<&News::on_alerts>(this));
	look(recovery_look, events.contains("incident"), "recovery/incidents", pb::bind<&News::on_incidents>(this));
}

void News::on_process(const pb_value &value) noexcept
{
	const std::string_view topic = value.topic;
	if (!value.json) { // it is not configured any more
		if (const auto i = processes.find(topic); i != processes.end()) processes.erase(i);
		return;
	}
	const json_t *e = value.json;
	if (!json_is_string(pb::at(e, "state"))) return; // procs/summary, and whatever may come
	Running now{std::string(pb::text_at(e, "state")), pb::integer_at(e, "pid")};
	const auto [i, is_first] = processes.try_emplace(std::string(topic), now);
	if (is_first && value.time_ms < procs_look->since) return;
	const Running before = is_first ? Running{"stopped", 0} : std::exchange(i->second, now);
	if (before.state == now.state && before.pid == now.pid) return;
	tell_process(e, is_up(before.state));
}

void News::tell_process(const json_t *e, bool was_up)
{
	const std::string_view name = pb::text_at(e, "name");
	if (has_status) tell("statusUpdate", {{"script", name}, {"state", pb::text_at(e, "state")}, {"status", status_of(e)}});
	const char *action = has_scripts ? action_of(e, was_up) : nullptr;
	if (!action) return;
	pb::Json details{{"pid", or_null(pb::at(e, "pid"))}, {"reason", or_null(pb::at(e, "reason"))}, {"lastExit", or_null(pb::at(e, "last_exit"))},
		{"stoppedBy", or_null(pb::at(e, "stopped_by"))}};
	tell("scriptEvent", {{"script", name}, {"action", action}, {"details", std::move(details)}});
}

void News::on_kismet(const pb_value &value) noexcept
{
	if (value.time_ms >= kismet_look->since) tell_devices(pb::at(value.json, "added"), "kismet");
}

void News::on_csv(const pb_value &value) noexcept
{
	if (value.time_ms >= csv_look->since) tell_devices(pb::at(value.json, "added"), "csv");
}

/// A few at once are an event each; many are told together.
void News::tell_devices(const json_t *added, const char *source)
{
	std::vector<const json_t *> fresh;
	std::size_t i;
	json_t *d;
	json_array_foreach(const_cast<json_t *>(added), i, d)
		if (devices.add(pb::text_at(d, "mac"))) fresh.push_back(d);
	if (fresh.size() <= most_single) {
		for (const json_t *one : fresh) tell("newDevice", device_of(one, source));
		return;
	}
	for (std::size_t at = 0; at < fresh.size(); at += devices_together) {
		pb::Json together = pb::Json::array();
		for (std::size_t k = at; k < std::min(at + devices_together, fresh.size()); ++k) together.push(device_of(fresh[k], source));
		tell("newDevice", {{"devices", std::move(together)}});
	}
}

/// Newest first in the topic; told oldest first.
void News::on_alerts(const pb_value &value) noexcept
{
	const json_t *list = pb::at(value.json, "alerts");
	const bool is_old = value.time_ms < alerts_look->since;
	for (std::size_t i = json_array_size(list); i > 0; --i) {
		const json_t *a = json_array_get(list, i - 1);
		std::string key(pb::text_at(a, "id"));
		key.append(" ").append(pb::text_at(a, "timestamp"));
		if (alerts.add(key) && !is_old) tell("alert", pb::Json::share(a));
	}
}

void News::on_incidents(const pb_value &value) noexcept
{
	const bool is_old = value.time_ms < recovery_look->since;
	std::map<std::string, std::string, std::less<>> now;
	std::size_t i;
	json_t *e;
	json_array_foreach(const_cast<json_t *>(pb::at(value.json, "incidents")), i, e) {
		const pb::Json number = or_null(pb::at(e, "id"));
		const std::string id = json_is_string(number.get()) ? std::string(pb::text_of(number.get())) : number.text();
		std::string state(pb::text_at(e, "state"));
		const auto before = incidents.find(id);
		const bool is_news = before == incidents.end() || before->second != state;
		now.emplace(id, std::move(state));
		if (is_news && !is_old) tell("incident", pb::Json::share(e));
	}
	incidents = std::move(now);
}

} // namespace webhook::outgoing
