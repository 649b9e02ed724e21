#include "rule.hpp"

#include <algorithm>
#include <cstring>

#include <strings.h>

namespace recovery {

bool holds(const json_t *value, const json_t *wanted) noexcept
{
	if (json_is_object(wanted)) {
		if (!json_is_object(value)) return false;
		const char *key;
		json_t *w;
		json_object_foreach(const_cast<json_t *>(wanted), key, w) {
			const json_t *v = pb::at(value, key);
			if (!(v ? holds(v, w) : json_is_null(w))) return false;
		}
		return true;
	}
	if (json_is_array(wanted)) {
		std::size_t i;
		json_t *w;
		json_array_foreach(const_cast<json_t *>(wanted), i, w)
			if (holds(value, w)) return true;
		return false;
	}
	// 1 and 1.0 are one number.
	if (json_is_number(value) && json_is_number(wanted)) return json_number_value(value) == json_number_value(wanted);
	return json_equal(value, wanted) != 0;
}

bool matches(std::string_view pattern, std::string_view name) noexcept
{
	if (pattern == "**") return true;
	const auto p = pattern.substr(0, pattern.find('/')), n = name.substr(0, name.find('/'));
	const bool more_pattern = p.size() < pattern.size(), more_name = n.size() < name.size();
	if (p == "**") {
		for (std::size_t at = 0;; at = name.find('/', at) + 1) { // `**/x`: try the rest everywhere
			if (matches(pattern.substr(3), name.substr(at))) return true;
			if (name.find('/', at) == std::string_view::npos) return false;
		}
	}
	if (p != "*" && p != n) return false;
	if (!more_pattern || !more_name) return more_pattern == more_name || (more_pattern && pattern.substr(p.size() + 1) == "**");
	return matches(pattern.substr(p.size() + 1), name.substr(n.size() + 1));
}

bool is_event(std::string_view topic) noexcept
{
	const auto slash = topic.rfind('/');
	return topic.substr(slash == std::string_view::npos ? 0 : slash + 1) == "incident";
}

bool is_bad(const Rule &rule, const json_t *value)
{
	if (!holds(value, rule.when.get())) return false;
	if (!rule.contains) return true;
	const std::string text = pb::Json::share(value).text();
	return ::strcasestr(text.c_str(), rule.contains->c_str()) != nullptr;
}

Rules::Rules(std::vector<Rule> configured, bool with_defaults) : rules(std::move(configured))
{
	std::vector<std::string> own;
	for (Rule &r : rules) {
		own.push_back(r.name);
		if (!r.call) continue;
		r.steps.clear();
		r.steps.push_back({*r.call, pb::Json::share(r.args.get()), {}, r.wait, std::chrono::seconds(90)});
	}
	if (!with_defaults) return;
	for (Rule &r : default_rules())
		if (std::find(own.begin(), own.end(), r.name) == own.end()) rules.push_back(std::move(r));
}

const Rule *Rules::classify(std::string_view topic, const json_t *value) const
{
	// A plugin that names the class of its own incident knows best.
	if (is_event(topic))
		if (const Rule *named = find(pb::text_at(value, "class"))) return named;
	const auto i = std::find_if(rules.begin(), rules.end(), [&](const Rule &r) { return matches(r.topic, topic) && is_bad(r, value); });
	if (i == rules.end()) return nullptr;
	if (topic.starts_with("procs/") && i->topic != topic)
		for (const Rule &r : rules)
			if (process_of(r) == topic.substr(6)) return &r;
	return &*i;
}

const Rule *Rules::find(std::string_view name) const
{
	const Rule *found = nullptr;
	for (const Rule &r : rules) {
		if (r.name != name) continue;
		if (!r.steps.empty()) return &r;
		if (!found) found = &r;
	}
	return found;
}

std::string process_of(const Rule &rule)
{
	if (rule.process) return *rule.process;
	for (const Step &s : rule.steps)
		if (s.call.starts_with("procs.")) return std::string(pb::text_at(s.args.get(), "name"));
	return "";
}

} // namespace recovery
