#include "world.hpp"

#include <fmt/format.h>

namespace recovery {

namespace {
constexpr std::size_t most_topics = 4096;
constexpr int deepest = 16;     // of requires
constexpr Ms settling = 10'000; // after a start: those who connect to it try again every few seconds

bool is_up(std::string_view state) noexcept { return state == "running" || state == "ready"; }

/// Where success is looked for: the rule's own word for it; else the topic that was bad.
std::string verified_topic(const Rule &rule, const std::string &topic)
{
	if (rule.verify && rule.verify->topic) return *rule.verify->topic;
	return topic;
}
} // namespace

World::Topic *World::see(const std::string &name, const json_t *value, Ms now)
{
	if (!value) {
		if (const auto i = topics.find(name); i != topics.end()) {
			i->second.value = {};
			i->second.rule = nullptr;
			return &i->second;
		}
		return nullptr;
	}
	if (topics.size() >= most_topics && !topics.contains(name)) return nullptr;
	Topic &t = topics[name];
	const bool is_on_its_way = pb::text_at(t.value.get(), "state") == "starting";
	if (!is_up(pb::text_at(value, "state"))) t.up_since = 0;
	else if (is_on_its_way) t.up_since = now;
	t.value = pb::Json::share(value);
	const Rule *rule = rules.classify(name, value);
	if (rule != t.rule) {
		if (!rule || !t.rule || rule->name != t.rule->name) {
			t.bad_since = now;
			t.is_dealt_with = false;
		}
		t.rule = rule;
	}
	// A state that no rule calls bad is not yet good: the verification's word counts where a rule has one.
	if (!rule) {
		bool is_good = true;
		for (const Rule &r : rules.all())
			if (r.verify && r.verify->topic == name) is_good = is_good && holds(value, r.verify->when.get());
		t.was_good = t.was_good || is_good;
	}
	return &t;
}

const json_t *World::value(const std::string &name) const
{
	const auto i = topics.find(name);
	return i == topics.end() ? nullptr : i->second.value.get();
}

World::Process World::process(const std::string &name, Ms now) const
{
	const auto i = name.empty() ? topics.end() : topics.find("procs/" + name);
	if (i == topics.end() || !i->second.value) return Process::unknown;
	const json_t *e = i->second.value.get();
	const auto state = pb::text_at(e, "state"), by = pb::text_at(e, "stopped_by");
	if (state == "starting" || state == "stopping") return Process::at_it;
	if (i->second.up_since != 0 && now >= i->second.up_since && now < i->second.up_since + settling) return Process::at_it;
	if (by == "person") return Process::stopped_on_purpose;
	if (state != "stopped") return Process::other;
	if (by == "daemon" || !json_is_object(pb::at(e, "last_exit"))) return Process::never_ran; // not in this daemon's life
	return by.empty() ? Process::stopped_on_purpose : Process::other;                         // ended without failure, and nobody says why
}

bool World::requires_process(const std::string &name, const std::string &on, int depth) const
{
	if (depth > deepest || name.empty() || on.empty()) return false;
	std::size_t i;
	json_t *j;
	json_array_foreach(const_cast<json_t *>(pb::at(value("procs/" + name), "requires")), i, j) {
		const std::string needed(pb::text_of(j));
		if (needed == on || requires_process(needed, on, depth + 1)) return true;
	}
	return false;
}

bool World::is_well(const Rule &rule, const std::string &topic) const
{
	const std::string where = verified_topic(rule, topic);
	if (rule.verify && json_object_size(rule.verify->when.get()) != 0 && value(where)) return holds(value(where), rule.verify->when.get());
	if (const json_t *v = value(where); v && !is_event(where)) return rules.classify(where, v) == nullptr;
	// Nobody tells that topic: its process is all there is.
	const json_t *e = value("procs/" + process_of(rule));
	const auto state = pb::text_at(e, "state");
	return is_up(state);
}

std::string World::what_is_seen(const Rule &rule, const std::string &topic) const
{
	const std::string where = verified_topic(rule, topic);
	const json_t *v = value(where);
	if (!v) return fmt::format("{} has no value", where);
	std::string wanted = rule.verify && json_object_size(rule.verify->when.get()) != 0 ? rule.verify->when.text() : "good";
	std::string seen;
	for (const char *key : {"state", "reason", "message"})
		if (const auto s = pb::text_at(v, key); !s.empty()) seen += (seen.empty() ? "" : ": ") + std::string(s.substr(0, 200));
	return fmt::format("{} is not {}: {}", where, wanted, seen.empty() ? pb::Json::share(v).text().substr(0, 200) : seen);
}

} // namespace recovery
