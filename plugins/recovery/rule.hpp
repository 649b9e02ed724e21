// Rules: which values of which topics are incidents, of what class, and what is done about them. Pure: no host.
#pragma once
#include <patchbay/fields.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace recovery {

using std::chrono::milliseconds;

/// A method call of a strategy, and the wait after it.
struct Step {
	std::string call;
	pb::Json args;
	std::optional<std::string> otherwise; // called with no arguments where `call` does not exist or does not know the name (404)
	milliseconds wait, timeout;
	static constexpr auto fields = pb::fields(pb::field("call", &Step::call, {.min = 1, .max = 128, .help = "the method"}),
		pb::field("args", &Step::args, {.fallback = "{}", .help = "its arguments"}),
		pb::field("otherwise", &Step::otherwise, {.max = 128, .help = "a method, called without arguments, where the first answers 404"}),
		pb::field("wait", &Step::wait, {.fallback = "0s", .max = std::chrono::hours(1), .help = "how long to wait after it"}),
		pb::field(
			"timeout", &Step::timeout, {.fallback = "90s", .min = milliseconds(100), .max = std::chrono::hours(1), .help = "how long the call may take"}));
};

/// The condition that shows success.
struct Verify {
	std::optional<std::string> topic;
	pb::Json when;
	milliseconds timeout;
	static constexpr auto fields = pb::fields(pb::field("topic", &Verify::topic, {.max = 128, .help = "whose value is looked at; left out: the rule's"}),
		pb::field("when", &Verify::when, {.fallback = "{}", .help = "what it must hold"}),
		pb::field("timeout", &Verify::timeout, {.fallback = "15s", .max = std::chrono::hours(1), .help = "until when"}));
};

/// [[plugins.recovery.rule]]. The first that matches classifies.
struct Rule {
	std::string name; // the class
	std::string topic;
	pb::Json when;
	std::optional<std::string> contains, call, process, advice;
	pb::Json args;
	milliseconds wait;
	std::vector<Step> steps;
	std::optional<Verify> verify;
	std::int64_t attempts_per_hour;
	milliseconds back_off, back_off_max, after;
	std::vector<std::string> waits_for;
	bool on_purpose, from_start;
	static constexpr auto fields = pb::fields(pb::field("class", &Rule::name, {.min = 1, .max = 64, .help = "the incident's class"}),
		pb::field("topic", &Rule::topic,
			{.min = 1, .max = 128, .help = "a topic, or a pattern; NAME/incident are events, all else has a state that can turn good again"}),
		pb::field("when", &Rule::when, {.fallback = "{}", .help = "what the value must hold to be bad: members compared, an array means any of these"}),
		pb::field("contains", &Rule::contains, {.max = 256, .help = "and a text that stands in the value, any case"}),
		pb::field("call", &Rule::call, {.max = 128, .help = "the method that heals; left out (with steps): it is only recorded"}),
		pb::field("args", &Rule::args, {.fallback = "{}", .help = "its arguments"}),
		pb::field("wait", &Rule::wait, {.fallback = "0s", .max = std::chrono::hours(1), .help = "how long to wait after the call before looking"}),
		pb::field("steps", &Rule::steps, {.fallback = "[]", .max = 16, .help = "instead of call: several, one after another"}),
		pb::field("verify", &Rule::verify, {.help = "the condition that shows success; left out: the value is not bad any more, within 15 s"}),
		pb::field("attempts_per_hour", &Rule::attempts_per_hour, {.fallback = "6", .min = 1, .max = 1000, .help = "more, and it is given up"}),
		pb::field("back_off", &Rule::back_off, {.fallback = "5s", .max = std::chrono::hours(1), .help = "the pause after a failed attempt; doubles with each"}),
		pb::field("back_off_max", &Rule::back_off_max, {.fallback = "5m", .max = std::chrono::hours(24), .help = "the longest pause"}),
		pb::field("after", &Rule::after, {.fallback = "1s", .max = std::chrono::hours(1), .help = "how long it must be bad before anything is done"}),
		pb::field("waits_for", &Rule::waits_for, {.fallback = "[]", .max = 32, .help = "classes that are healed first"}),
		pb::field("process", &Rule::process, {.max = 64, .help = "the process that it is about; left out: the `name` in args of a procs call"}),
		pb::field("on_purpose", &Rule::on_purpose, {.fallback = "false", .help = "also where a person stopped that process"}),
		pb::field(
			"from_start", &Rule::from_start, {.fallback = "true", .help = "also where it has not been good, nor its process run, since the daemon's start"}),
		pb::field("advice", &Rule::advice, {.max = 300, .help = "what a person should do where it is given up"}));
};

/// Does `value` hold all that `wanted` does? Objects member by member, an array in `wanted` means any of these.
[[nodiscard]] bool holds(const json_t *value, const json_t *wanted) noexcept;
/// `*` stands for one part of a name, `**` for any number.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view name) noexcept;
/// The topic tells events, not a state.
[[nodiscard]] bool is_event(std::string_view topic) noexcept;
[[nodiscard]] bool is_bad(const Rule &rule, const json_t *value);

/// What an incident is called and done about.
class Rules final {
public:
	/// The configured ones, then the defaults of the classes that they leave out. `call` becomes the one step of `steps`.
	explicit Rules(std::vector<Rule> configured, bool with_defaults);
	/// The first whose topic fits and that calls the value bad; null: it is good. An event that names its class is of that
	/// class; a failed process is of the class of the first rule that is about it.
	[[nodiscard]] const Rule *classify(std::string_view topic, const json_t *value) const;
	[[nodiscard]] const Rule *find(std::string_view name) const; // the first of that class, one with steps before one without
	[[nodiscard]] const std::vector<Rule> &all() const noexcept { return rules; }

private:
	std::vector<Rule> rules;
};

/// The process that a rule is about; "": none.
[[nodiscard]] std::string process_of(const Rule &rule);

std::vector<Rule> default_rules();

} // namespace recovery
