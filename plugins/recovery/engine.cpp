#include "engine.hpp"

#include <fmt/format.h>

#include <algorithm>

using namespace std::chrono_literals;

namespace recovery {

namespace {

constexpr std::size_t most_past = 100, most_active = 64, most_joined_topics = 32;

std::string reason_of(const json_t *value)
{
	for (const char *key : {"message", "reason", "error", "text"})
		if (const auto s = pb::text_at(value, key); !s.empty()) return std::string(s.substr(0, 500));
	if (const auto s = pb::text_at(value, "state"); !s.empty()) return fmt::format("is {}", s);
	return pb::Json::share(value).text().substr(0, 500);
}

/// The class that an event names itself, where it is fit to be shown.
std::string class_of(const Rule &rule, const std::string &topic, const json_t *value)
{
	const std::string_view own = pb::text_at(value, "class");
	const bool is_fit = is_event(topic) && rule.name == "UNKNOWN" && !own.empty() && own.size() <= 64 &&
						std::all_of(own.begin(), own.end(), [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
	return is_fit ? std::string(own) : rule.name;
}

Limiter::Bounds bounds_of(const Rule &r) { return {static_cast<std::size_t>(r.attempts_per_hour), r.back_off.count(), r.back_off_max.count()}; }

} // namespace

Engine::Engine(pb::Scope &scope_, std::vector<Rule> rules_, bool with_defaults)
	: scope(scope_), rules(std::move(rules_), with_defaults), world(rules),
	  shown(scope_, "recovery/incidents", "what went bad, what is done about it, and what became of it"), tick(scope_, pb::bind<&Engine::on_tick>(this)),
	  save_timer(scope_, pb::bind<&Engine::on_save>(this))
{
	on_save();
}

// ---- what is seen ----------------------------------------------------------------------------------------------------

void Engine::look()
{
	std::set<std::string> patterns{"procs/*"};
	for (const Rule &r : rules.all()) {
		patterns.insert(r.topic);
		if (r.verify && r.verify->topic) patterns.insert(*r.verify->topic);
	}
	for (const std::string &p : patterns) subscriptions.emplace_back(scope, p.c_str(), pb::bind<&Engine::on_value>(this), PB_UNWATCHED);
	if (!scope.errors.empty()) scope.error("some topics cannot be followed: " + std::exchange(scope.errors, {}));
}

void Engine::on_value(const pb_value &v) noexcept
{
	const std::string name = v.topic;
	if (name.starts_with("recovery/")) return;
	if (is_event(name)) {
		if (v.json && v.seq > last_event) on_event(name, v.json, v.seq);
		return;
	}
	const Ms now = pb::unix_ms();
	World::Topic *t = world.see(name, v.json, now);
	if (!t) return;
	if (t->value && !t->rule) on_good(name);
	if (t->rule && !t->is_dealt_with) wake(t->bad_since + t->rule->after.count());
	if (name.starts_with("procs/")) wake(now); // purpose and order may look different now
	for (auto &[class_name, care] : cares)
		if (care.attempt) {
			care.attempt->on_change(); // may end it; the map stays
		}
}

void Engine::on_event(const std::string &name, const json_t *value, std::uint64_t at)
{
	last_event = at;
	const Rule *rule = rules.classify(name, value);
	if (!rule) return changed();
	Incident &i = open(*rule, class_of(*rule, name, value), name, reason_of(value), pb::unix_ms());
	if (i.state == Incident::State::open && !rule->steps.empty()) wake(pb::unix_ms());
}

void Engine::on_good(const std::string &name)
{
	for (auto i = incidents.begin(); i != incidents.end();) {
		Incident &incident = *i++; // close() takes it out
		const auto at = std::find(incident.topics.begin(), incident.topics.end(), name);
		if (at == incident.topics.end()) continue;
		incident.topics.erase(at);
		// While an attempt looks at it, that one says how it ended.
		if (incident.topics.empty() && incident.state != Incident::State::recovering) close(incident, Incident::State::recovered, "by itself");
	}
}

void Engine::wake(Ms at)
{
	if (due != 0 && due <= at) return;
	due = at;
	tick.once(std::chrono::milliseconds(std::max<Ms>(0, at - pb::unix_ms())));
}

void Engine::on_tick() noexcept
{
	due = 0;
	const Ms now = pb::unix_ms();
	for (auto &[name, t] : world.all())
		if (t.rule && !t.is_dealt_with) consider(name, t, now);
	for (auto i = incidents.begin(); i != incidents.end();) press(*i++, now);
}

/// A person's stop is no incident, nor is what was never up; a start or stop under way is waited for.
Engine::Consent Engine::may_open(const Rule &rule, const World::Topic &t, Ms now) const
{
	if (now < t.bad_since + rule.after.count()) return Consent::later;
	const auto process = world.process(process_of(rule), now);
	if (process == World::Process::at_it) return Consent::later;
	if (process == World::Process::stopped_on_purpose && !rule.on_purpose) return Consent::no;
	if (!rule.from_start && !t.was_good && (process == World::Process::never_ran || process == World::Process::unknown)) return Consent::no;
	return Consent::yes;
}

void Engine::consider(const std::string &name, World::Topic &t, Ms now)
{
	switch (may_open(*t.rule, t, now)) {
	case Consent::later: return wake(std::max(now + 1'000, t.bad_since + t.rule->after.count()));
	case Consent::no: t.is_dealt_with = true; return;
	case Consent::yes: break;
	}
	t.is_dealt_with = true;
	open(*t.rule, t.rule->name, name, reason_of(t.value.get()), now);
}

// ---- incidents -------------------------------------------------------------------------------------------------------

Incident *Engine::active(std::string_view name)
{
	const auto i = std::find_if(incidents.begin(), incidents.end(), [&](const Incident &x) { return x.name == name; });
	return i == incidents.end() ? nullptr : &*i;
}

Incident *Engine::find(std::int64_t id)
{
	const auto i = std::find_if(incidents.begin(), incidents.end(), [&](const Incident &x) { return x.id == id; });
	if (i != incidents.end()) return &*i;
	const auto p = std::find_if(past.begin(), past.end(), [&](const Incident &x) { return x.id == id; });
	return p == past.end() ? nullptr : &*p;
}

Incident &Engine::open(const Rule &rule, const std::string &name, const std::string &topic, const std::string &reason, Ms now)
{
	changed();
	Incident *i = active(name);
	if (i) {
		++i->joined;
		i->reason = reason;
	} else {
		if (incidents.size() >= most_active) close(incidents.front(), Incident::State::given_up, "too many incidents at once");
		i = &incidents.emplace_back();
		i->id = ++last_id;
		i->name = name;
		i->topic = topic;
		i->since = now;
		i->reason = reason;
		i->advice = rule.advice.value_or("");
		scope.warn(fmt::format("{}: {} {}", name, topic, reason), {{"incident", i->id}, {"class", name}});
	}
	if (!is_event(topic) && !topic.empty() && std::find(i->topics.begin(), i->topics.end(), topic) == i->topics.end() && i->topics.size() < most_joined_topics)
		i->topics.push_back(topic);
	return *i;
}

void Engine::close(Incident &incident, Incident::State state, const std::string &how)
{
	incident.state = state;
	incident.ended = pb::unix_ms();
	incident.next_attempt = 0;
	incident.waits_for.clear();
	incident.outcome = how;
	scope.info(fmt::format("{}: {}: {}", incident.name, word_of(state), how), {{"incident", incident.id}, {"class", incident.name}});
	if (state == Incident::State::recovered) cares[incident.name].limiter.on_success();
	past.push_front(std::move(incident));
	if (past.size() > most_past) past.pop_back();
	scope.append("history", to_record(past.front()));
	scope.trim("history", most_past);
	incidents.remove_if([&](const Incident &x) { return &x == &incident; });
	changed();
}

void Engine::give_up(Incident &incident, const std::string &why)
{
	incident.state = Incident::State::given_up;
	incident.next_attempt = 0;
	incident.waits_for.clear();
	incident.advice = fmt::format("given up: {}. {}{}then recovery.run {{\"class\":\"{}\"}} or recovery.acknowledge {{\"id\":{}}}", why, incident.advice,
		incident.advice.empty() ? "" : "; ", incident.name, incident.id);
	scope.error(fmt::format("{}: {}", incident.name, incident.advice), {{"incident", incident.id}, {"class", incident.name}});
	changed();
}

// ---- attempts --------------------------------------------------------------------------------------------------------

/// The class that must be healed first, or whose attempt this one would disturb; "": none.
std::string Engine::in_the_way(const Rule &rule) const
{
	const auto needs = [&](const Rule &a, const Rule &b) {
		return std::find(a.waits_for.begin(), a.waits_for.end(), b.name) != a.waits_for.end() || world.requires_process(process_of(a), process_of(b));
	};
	for (const Incident &other : incidents) {
		const Rule *r = rules.find(other.name);
		if (!r || r->steps.empty() || other.name == rule.name) continue;
		if (other.state != Incident::State::open && other.state != Incident::State::recovering) continue;
		if (needs(rule, *r)) return other.name;
		if (other.state == Incident::State::recovering && needs(*r, rule)) return other.name;
	}
	return "";
}

/// Does what is due for an incident.
void Engine::press(Incident &incident, Ms now)
{
	if (incident.state != Incident::State::open) return;
	const Rule *rule = rules.find(incident.name);
	if (!rule || rule->steps.empty()) return;
	const auto process = world.process(process_of(*rule), now);
	if (process == World::Process::stopped_on_purpose && !rule->on_purpose) return close(incident, Incident::State::given_up, "stopped by a person");
	if (process == World::Process::at_it) return wake(now + 1'000);
	if (rule->verify && world.is_well(*rule, incident.topic)) return close(incident, Incident::State::recovered, "by itself");
	const std::string other = in_the_way(*rule);
	if (other != incident.waits_for) {
		incident.waits_for = other;
		changed();
	}
	if (!other.empty()) return wake(now + 1'000);
	const auto next = cares[incident.name].limiter.next(now, bounds_of(*rule));
	if (!next) return give_up(incident, fmt::format("{} attempts within an hour did not help", rule->attempts_per_hour));
	if (*next <= now) return start(incident, *rule, now);
	if (incident.next_attempt != *next) {
		incident.next_attempt = *next;
		changed();
	}
	wake(*next);
}

void Engine::start(Incident &incident, const Rule &rule, Ms now)
{
	Care &care = cares[incident.name];
	care.limiter.on_attempt(now);
	incident.state = Incident::State::recovering;
	incident.next_attempt = 0;
	incident.waits_for.clear();
	incident.add({now, calls_of(rule), "running"});
	scope.info(fmt::format("{}: {}", incident.name, calls_of(rule)), {{"incident", incident.id}, {"class", incident.name}});
	care.attempt = std::make_unique<Attempt>(
		scope, world, rule, incident.topic, [this, name = incident.name](bool is_well, const std::string &result) { on_attempt(name, is_well, result); });
	changed();
}

void Engine::on_attempt(const std::string &name, bool is_well, const std::string &result)
{
	Care &care = cares[name];
	const std::unique_ptr<Attempt> over = std::move(care.attempt); // it is still up the stack
	Incident *i = active(name);
	const Ms now = pb::unix_ms();
	if (!is_well) care.limiter.on_failed(now);
	if (!i) return;
	i->attempts.back().result = is_well ? "ok" : "failed: " + result.substr(0, 500);
	changed();
	if (is_well) return close(*i, Incident::State::recovered, "by " + i->attempts.back().call);
	scope.warn(fmt::format("{}: {}", name, result), {{"incident", i->id}, {"class", name}});
	i->state = Incident::State::open;
	if (i->topics.empty() && !is_event(i->topic)) return close(*i, Incident::State::recovered, "by itself"); // it turned good after all
	wake(now);
}

const Incident &Engine::run(const std::string &name, std::int64_t id, const std::string &who)
{
	Incident *i = id != 0 ? find(id) : active(name);
	if (id != 0 && !i) throw pb::Error(404, "", fmt::format("incident {}: there is none", id));
	if (i && !i->is_active()) throw pb::Error(409, "", fmt::format("incident {} is over", id));
	const Rule *rule = rules.find(i ? i->name : name);
	if (!rule) throw pb::Error(404, "", fmt::format("class {}: no rule is about it", name));
	if (rule->steps.empty()) throw pb::Error(409, "NO_STRATEGY", fmt::format("class {}: its rule names nothing to call", rule->name));
	if (!i)
		i = &open(*rule, rule->name, matches("*/incident", rule->topic) ? "" : rule->topic, "asked for by " + (who.empty() ? "a person" : who), pb::unix_ms());
	if (i->state != Incident::State::recovering) start(*i, *rule, pb::unix_ms());
	on_save(); // who asked sees it at once
	return *i;
}

const Incident &Engine::acknowledge(std::int64_t id, const std::string &who)
{
	Incident *i = find(id);
	if (!i) throw pb::Error(404, "", fmt::format("incident {}: there is none", id));
	i->acknowledged = pb::unix_ms();
	const Rule *rule = rules.find(i->name);
	const bool is_waiting_for_a_person = i->state == Incident::State::given_up || (i->state == Incident::State::open && (!rule || rule->steps.empty()));
	if (i->is_active() && is_waiting_for_a_person)
		close(*i, i->state == Incident::State::open ? Incident::State::recovered : i->state, "acknowledged by " + (who.empty() ? "a person" : who));
	on_save(); // who asked sees it at once
	return *find(id);
}

// ---- what survives ---------------------------------------------------------------------------------------------------

void Engine::begin()
{
	scope.get("state", [this](const pb::Result &r) {
		if (r.ok()) on_loaded(r.json());
		else scope.error(std::string("what was under way before the restart cannot be read: ") + r.error()->text);
		scope.read("history", 0, 10'000, [this](const pb::Result &h) {
			if (h.ok()) on_history(h.json());
			changed();
			look();
		});
	});
}

void Engine::on_loaded(const json_t *document)
{
	last_event = static_cast<std::uint64_t>(pb::integer_at(document, "event"));
	last_id = pb::integer_at(document, "id");
	std::size_t n;
	json_t *j;
	json_array_foreach(const_cast<json_t *>(pb::at(document, "incidents")), n, j) {
		Incident &i = incidents.emplace_back(from_record(j));
		last_id = std::max(last_id, i.id);
		Limiter &limiter = cares[i.name].limiter;
		for (const Try &t : i.attempts) {
			limiter.on_attempt(t.time);
			limiter.on_failed(t.time);
		}
		if (i.state == Incident::State::open) wake(pb::unix_ms() + 2'000); // when its topic has been seen
	}
}

void Engine::on_history(const json_t *entries)
{
	std::size_t n;
	json_t *j;
	json_array_foreach(const_cast<json_t *>(entries), n, j) {
		past.push_front(from_record(pb::at(j, "value")));
		last_id = std::max(last_id, past.front().id);
	}
	while (past.size() > most_past) past.pop_back();
	for (auto i = past.rbegin(); i != past.rend(); ++i)
		for (const Try &t : i->attempts) cares[i->name].limiter.on_attempt(t.time);
}

void Engine::on_save() noexcept
{
	pb::Json all = pb::Json::array(), kept = pb::Json::array();
	for (const Incident &i : incidents) {
		all.push(to_json(i));
		kept.push(to_record(i));
	}
	for (const Incident &i : past) all.push(to_json(i));
	shown.publish({{"incidents", std::move(all)}});
	if (subscriptions.empty()) return; // nothing has been read yet: do not write over it
	scope.put("state", {{"event", last_event}, {"id", last_id}, {"incidents", std::move(kept)}});
}

} // namespace recovery
