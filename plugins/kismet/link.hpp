// How it stands between us and Kismet: the value of the topic kismet/link.
#pragma once
#include "kismet/http.hpp"

#include <cstdint>
#include <string>

namespace kismet {

enum class State { unknown, down, starting, unauthorized, unhealthy, up };
[[nodiscard]] const char *state_name(State state) noexcept;

/// A plain value.
struct Link {
	State state = State::unknown; // before the first answer: not published
	std::string url, reason, hint;
	std::int64_t since_ms = 0, next_attempt_ms = 0; // 0: none
	std::string version, server_id, server_name;    // while it is up
	bool is_pushed = false;                         // the event bus tells what is new; else polls do
	std::string polled_because;
	[[nodiscard]] pb::Json json() const;
};

/// What an answer that is no good means. where: "GET http://…/system/status.json".
struct Verdict {
	State state = State::unhealthy; // down: there was no connection, and why is not known yet
	std::string reason, hint;
};
[[nodiscard]] Verdict judge(const Answer &answer, const std::string &where, std::chrono::milliseconds timeout);
/// An answer with status 200 whose body is not Kismet's.
[[nodiscard]] Verdict judge_body(const std::string &trouble, const std::string &where, const std::string &type);

} // namespace kismet
