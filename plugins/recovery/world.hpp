// What is known of the topics that rules speak of: the last value of each, and since when it is bad. Pure.
#pragma once
#include "limiter.hpp"
#include "rule.hpp"

#include <map>
#include <string>

namespace recovery {

class World final {
public:
	struct Topic {
		pb::Json value;             // empty: gone
		const Rule *rule = nullptr; // that calls it bad
		Ms bad_since = 0;
		Ms up_since = 0;            // of a process that was seen to come up; 0: it was not
		bool was_good = false;      // since the daemon's start
		bool is_dealt_with = false; // it has led to an incident, or was left alone on purpose, since it turned bad
	};

	explicit World(const Rules &rules_) : rules(rules_) {}
	/// A value of a topic that tells a state; null: the topic is gone. Null where there are too many topics.
	Topic *see(const std::string &name, const json_t *value, Ms now);
	[[nodiscard]] const json_t *value(const std::string &name) const;
	[[nodiscard]] std::map<std::string, Topic, std::less<>> &all() noexcept { return topics; }

	enum class Process { unknown, never_ran, stopped_on_purpose, at_it, other }; // at_it: somebody starts or stops it, or has just started it
	[[nodiscard]] Process process(const std::string &name, Ms now) const;
	/// `on` must run for `name` to run, directly or not.
	[[nodiscard]] bool requires_process(const std::string &name, const std::string &on, int depth = 0) const;

	/// The condition that shows that the rule's recovery has succeeded.
	[[nodiscard]] bool is_well(const Rule &rule, const std::string &topic) const;
	/// The same in words, with what is seen instead.
	[[nodiscard]] std::string what_is_seen(const Rule &rule, const std::string &topic) const;

private:
	const Rules &rules;
	std::map<std::string, Topic, std::less<>> topics;
};

} // namespace recovery
