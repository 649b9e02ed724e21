#include "entry.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace procs {

namespace {
pb::Json list_of(const std::vector<std::string> &names)
{
	pb::Json out = pb::Json::array();
	for (const std::string &n : names) out.push(n);
	return out;
}

pb::Json last_exit_of(const Process &p)
{
	if (!p.last) return nullptr;
	const Ended &e = *p.last;
	return {{"code", e.code < 0 ? pb::Json(nullptr) : pb::Json(e.code)}, {"signal", e.signal == 0 ? pb::Json(nullptr) : pb::Json(signal_name(e.signal))},
		{"time", e.ended_ms ? pb::Json(iso_time(e.ended_ms)) : pb::Json(nullptr)}, {"began", e.began_ms ? pb::Json(iso_time(e.began_ms)) : pb::Json(nullptr)}};
}

double round_to(double v, double digits) noexcept { return std::round(v * digits) / digits; }

double uptime_of(const Process &p)
{
	const Runner *r = p.run();
	return r && p.pid() > 0 ? seconds_since_start(r->main.start) : 0;
}

const char *kind_of(const ProcessSettings &s) noexcept { return s.observed ? "observed" : s.unit.empty() ? "command" : "unit"; }
} // namespace

pb::Json entry_of(const Process &p)
{
	const pid_t pid = p.pid();
	const Sample s = p.sample.value_or(Sample{});
	const Runner *r = p.run();
	pb::Json out = {{"name", p.name}, {"state", to_string(p.state)}, {"pid", pid > 0 ? pb::Json(pid) : pb::Json(nullptr)}, {"since", iso_time(p.since_ms)},
		{"uptime", round_to(uptime_of(p), 1000)}};
	out.set("started", r && pid > 0 && r->began_ms > 0 ? pb::Json(iso_time(r->began_ms)) : pb::Json(nullptr));
	out.set("cpu", round_to(s.cpu, 100)).set("memory", {{"rss", s.rss}, {"vms", s.vms}}).set("count", s.count);
	out.set("restarts", p.restarts)
		.set("last_exit", last_exit_of(p))
		.set("requires", list_of(p.settings.needs))
		.set("conflicts", list_of(p.settings.conflicts));
	out.set("stopped_by", p.stopped_by == StoppedBy::unknown ? pb::Json(nullptr) : pb::Json(to_string(p.stopped_by)));
	out.set("adopted", p.is_adopted()).set("kind", kind_of(p.settings)).set("ready", p.state == State::ready);
	if (!p.reason.empty()) out.set("reason", p.reason);
	if (r && !r->status_text.empty()) out.set("status", r->status_text);
	return out;
}

pb::Json group_entry(const std::string &name, const std::vector<const Process *> &members)
{
	pb::Json entries = pb::Json::array();
	const Process *first = nullptr; // whose PID and time stand for the group
	Sample sum;
	State worst = State::ready;
	constexpr std::array order{State::failed, State::stopping, State::starting, State::stopped, State::running, State::ready};
	for (const Process *p : members) {
		entries.push(entry_of(*p));
		if (!first && p->pid() > 0) first = p;
		if (p->sample) {
			sum.cpu += p->sample->cpu;
			sum.rss += p->sample->rss;
			sum.vms += p->sample->vms;
		}
		if (std::ranges::find(order, p->state) < std::ranges::find(order, worst)) worst = p->state;
	}
	pb::Json out = first ? entry_of(*first) : pb::Json{{"pid", nullptr}, {"uptime", 0}};
	out.set("name", name)
		.set("state", to_string(worst))
		.set("group", true)
		.set("cpu", round_to(sum.cpu, 100))
		.set("memory", {{"rss", sum.rss}, {"vms", sum.vms}});
	out.set("processes", std::move(entries));
	return out;
}

pb::Json summary_of(const std::map<std::string, std::unique_ptr<Process>> &processes)
{
	std::map<State, int> counts;
	pb::Json list = pb::Json::array();
	for (const auto &[name, p] : processes) {
		++counts[p->state];
		list.push({{"name", name}, {"state", to_string(p->state)}, {"pid", p->pid() > 0 ? pb::Json(p->pid()) : pb::Json(nullptr)}});
	}
	pb::Json out = {{"total", processes.size()}};
	for (const State s : {State::stopped, State::starting, State::running, State::ready, State::stopping, State::failed}) out.set(to_string(s), counts[s]);
	out.set("processes", std::move(list));
	return out;
}

} // namespace procs
