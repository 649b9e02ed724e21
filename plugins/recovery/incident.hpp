// An incident: what went bad, since when, and what has been done about it.
#pragma once
#include "limiter.hpp"

#include <patchbay/json.hpp>

#include <deque>
#include <string>
#include <vector>

namespace recovery {

struct Try { // an attempt
	Ms time;
	std::string call, result; // result: "running" while it is
};

struct Incident {
	enum class State { open, recovering, recovered, given_up };

	std::int64_t id = 0;
	std::string name, topic; // its class; where it was seen first
	Ms since = 0;
	State state = State::open;
	std::deque<Try> attempts;                       // the newest 20
	std::string reason, advice, waits_for, outcome; // outcome: how it ended
	std::int64_t joined = 0;                        // how many more times it was seen while it lasted
	Ms acknowledged = 0, ended = 0, next_attempt = 0;
	std::vector<std::string> topics{}; // the states that must turn good for it to be over; at most 32

	[[nodiscard]] bool is_active() const noexcept { return ended == 0; }
	void add(Try t);
};

const char *word_of(Incident::State state) noexcept;
std::string iso_time(Ms unix_ms);
/// As it is shown.
pb::Json to_json(const Incident &incident);
/// As it is kept, and back; what was running then was cut off.
pb::Json to_record(const Incident &incident);
Incident from_record(const json_t *record);

} // namespace recovery
