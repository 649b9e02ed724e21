#include "script_news.hpp"

namespace webhook {

namespace {
using namespace std::chrono_literals;
constexpr pb::milliseconds interval = 5s, together = 50ms; // changes within `together` are one
constexpr std::size_t most_waiting = 8192;

bool is_up(std::string_view state) noexcept { return state == "running" || state == "ready"; }
} // namespace

ScriptNews::ScriptNews(pb::Scope &scope_, Known &known_, Launcher &launcher_, Feed &feed_)
	: scope(scope_), known(known_), launcher(launcher_), feed(feed_), timer(scope_, pb::bind<&ScriptNews::on_timer>(this)),
	  soon(scope_, pb::bind<&ScriptNews::on_timer>(this))
{
	feed.on_wanted(pb::bind<&ScriptNews::on_wanted>(this));
	known.tell([this](std::string_view topic) {
		if (topic == "procs/summary") on_summary();
	});
}

void ScriptNews::on_wanted(unsigned kinds) noexcept
{
	if ((kinds & feed_status) != 0) {
		timer.every(interval);
	} else {
		timer.stop();
		soon.stop();
	}
}

void ScriptNews::on_timer() noexcept
{
	(void)ask([this](const Launcher::Outcome<Sheet> &got) {
		const auto *sheet = std::get_if<Sheet>(&got);
		pb::Json data{{"script", "all"}, {"status", sheet ? sheet->statuses() : pb::Json(nullptr)}};
		if (!sheet) data.set("message", std::get<pb::Error>(got).what());
		feed.tell(feed_status, "statusUpdate", data);
	});
}

bool ScriptNews::ask(Done done)
{
	if (waiting.size() >= most_waiting) return false;
	waiting.push_back(std::move(done));
	if (std::exchange(is_asking, true)) return true;
	launcher.status([this](Launcher::Outcome<Sheet> &got) {
		is_asking = false;
		for (const Done &one : std::exchange(waiting, {})) one(got);
	});
	return true;
}

void ScriptNews::on_summary()
{
	if ((feed.wanted() & feed_status) != 0) soon.once(together);
	std::map<std::string, std::string, std::less<>> next;
	std::size_t i;
	json_t *p;
	json_array_foreach(pb::at(known.at("procs/summary"), "processes"), i, p) {
		const std::string name(pb::text_at(p, "name"));
		const std::string_view now = pb::text_at(p, "state");
		const auto before = states.find(name);
		if (has_states && before != states.end() && before->second != now) tell_change(name, before->second, now, pb::integer_at(p, "pid"));
		next.emplace(name, now);
	}
	has_states = known.at("procs/summary") != nullptr;
	states = std::move(next);
}

void ScriptNews::tell_change(const std::string &name, std::string_view before, std::string_view now, std::int64_t pid)
{
	if ((feed.wanted() & feed_scripts) == 0) return;
	if (is_up(now)) {
		if (!is_up(before)) tell(name, "started", pid);
	} else if (now == "failed") {
		tell(name, "failed", 0);
	} else if (now == "stopped" && before == "stopping") {
		tell(name, "stopped", 0);
	} else if (!is_up(now) && now != "stopping" && is_up(before)) {
		tell(name, "exited", 0); // by itself; it may be about to be started again
	}
}

/// With what procs knows of it by now.
void ScriptNews::tell(const std::string &name, const char *action, std::int64_t pid)
{
	scope.call("procs.status", {{"name", name}}, [this, name, action, pid](const pb::Result &r) {
		const json_t *e = r.ok() ? r.json() : nullptr, *last = pb::at(e, "last_exit");
		const auto or_null = [](const json_t *j) { return j ? pb::Json::share(j) : pb::Json(nullptr); };
		pb::Json details{{"state", or_null(pb::at(e, "state"))}, {"pid", pid > 0 ? pb::Json(pid) : or_null(pb::at(e, "pid"))}};
		if (std::string_view(action) != "started") details.set("exitCode", or_null(pb::at(last, "code"))).set("signal", or_null(pb::at(last, "signal")));
		details.set("reason", or_null(pb::at(e, "reason")));
		// A quick stop may not be seen in the summary before it is over: who asked for it tells the two apart.
		const std::string_view by = pb::text_at(e, "stopped_by");
		const bool was_asked_for = std::string_view(action) == "exited" && (by == "person" || by == "daemon");
		feed.tell(feed_scripts, "scriptEvent", {{"script", name}, {"action", was_asked_for ? "stopped" : action}, {"details", std::move(details)}});
	});
}

} // namespace webhook
