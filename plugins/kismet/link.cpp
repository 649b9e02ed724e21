#include "kismet/link.hpp"

#include "devices/text.hpp"

#include <fmt/format.h>

namespace kismet {
namespace {

pb::Json time_json(std::int64_t ms)
{
	if (ms == 0) return nullptr;
	std::string quoted;
	devices::append_time(quoted, ms);
	return std::string_view(quoted).substr(1, quoted.size() - 2);
}

pb::Json text_json(const std::string &text) { return text.empty() ? pb::Json(nullptr) : pb::Json(text); }

} // namespace

const char *state_name(State state) noexcept
{
	switch (state) {
	case State::down: return "down";
	case State::starting: return "starting";
	case State::unauthorized: return "unauthorized";
	case State::unhealthy: return "unhealthy";
	case State::up: return "up";
	case State::unknown: break;
	}
	return "unknown";
}

pb::Json Link::json() const
{
	return {{"state", state_name(state)}, {"reason", text_json(reason)}, {"hint", text_json(hint)}, {"since", time_json(since_ms)},
		{"next_attempt", time_json(next_attempt_ms)}, {"url", url}, {"version", text_json(version)}, {"server_id", text_json(server_id)},
		{"server_name", text_json(server_name)}, {"events", is_pushed ? "pushed" : "polled"},
		{"events_reason", is_pushed ? pb::Json(nullptr) : text_json(polled_because)}};
}

Verdict judge(const Answer &a, const std::string &where, std::chrono::milliseconds timeout)
{
	switch (a.end) {
	case Answer::End::no_connection: return {State::down, where + ": " + a.text, "is url in [plugins.kismet] right, and the network up?"};
	case Answer::End::timed_out:
		return {State::unhealthy, fmt::format("{}: {} ({} ms)", where, a.text, timeout.count()),
			"Kismet hangs or is overloaded: look at its log, restart it, or raise timeout in [plugins.kismet]"};
	case Answer::End::broken: return {State::unhealthy, where + ": " + a.text, "Kismet may be stopping: look at its log"};
	case Answer::End::whole: break;
	}
	if (a.status == 401 || a.status == 403)
		return {State::unauthorized, fmt::format("{}: answered {}", where, a.status),
			"set username and password, api_token or password_file in [plugins.kismet]; Kismet has its own in ~/.kismet/kismet_httpd.conf"};
	if (a.status >= 500) return {State::unhealthy, fmt::format("{}: answered {}", where, a.status), "Kismet is in trouble: look at its log"};
	return {State::unhealthy, fmt::format("{}: answered {}, which Kismet does not", where, a.status),
		"does something else listen there? See url in [plugins.kismet]"};
}

Verdict judge_body(const std::string &trouble, const std::string &where, const std::string &type)
{
	const std::string kind = type.empty() ? std::string() : " (" + type + ")";
	return {State::unhealthy, where + ": " + trouble + kind, "does something else listen there, or is Kismet stopping? See url in [plugins.kismet]"};
}

} // namespace kismet
