#include "incident.hpp"

#include <fmt/format.h>

#include <time.h>

namespace recovery {

namespace {

constexpr std::size_t most_attempts = 20;

pb::Json time_or_null(Ms t) { return t != 0 ? pb::Json(iso_time(t)) : pb::Json(nullptr); }
pb::Json text_or_null(const std::string &s) { return s.empty() ? pb::Json(nullptr) : pb::Json(s); }

} // namespace

void Incident::add(Try t)
{
	if (attempts.size() >= most_attempts) attempts.pop_front();
	attempts.push_back(std::move(t));
}

const char *word_of(Incident::State state) noexcept
{
	switch (state) {
	case Incident::State::open: return "open";
	case Incident::State::recovering: return "recovering";
	case Incident::State::recovered: return "recovered";
	case Incident::State::given_up: return "given up";
	}
	return "";
}

std::string iso_time(Ms unix_ms)
{
	const time_t seconds = unix_ms / 1000;
	tm t{};
	::gmtime_r(&seconds, &t);
	return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, unix_ms % 1000);
}

pb::Json to_json(const Incident &i)
{
	pb::Json attempts = pb::Json::array();
	for (const Try &t : i.attempts) attempts.push({{"time", iso_time(t.time)}, {"call", t.call}, {"result", t.result}});
	return {{"id", i.id}, {"class", i.name}, {"topic", i.topic}, {"since", iso_time(i.since)}, {"state", word_of(i.state)}, {"attempts", std::move(attempts)},
		{"reason", i.reason}, {"advice", i.advice}, {"joined", i.joined}, {"waits_for", text_or_null(i.waits_for)}, {"outcome", text_or_null(i.outcome)},
		{"next_attempt", time_or_null(i.next_attempt)}, {"ended", time_or_null(i.ended)}, {"acknowledged", time_or_null(i.acknowledged)}};
}

pb::Json to_record(const Incident &i)
{
	pb::Json attempts = pb::Json::array(), topics = pb::Json::array();
	for (const Try &t : i.attempts) attempts.push({{"time", t.time}, {"call", t.call}, {"result", t.result}});
	for (const std::string &t : i.topics) topics.push(t);
	return {{"id", i.id}, {"class", i.name}, {"topic", i.topic}, {"since", i.since}, {"state", static_cast<int>(i.state)}, {"attempts", std::move(attempts)},
		{"reason", i.reason}, {"advice", i.advice}, {"outcome", i.outcome}, {"joined", i.joined}, {"acknowledged", i.acknowledged}, {"ended", i.ended},
		{"topics", std::move(topics)}};
}

Incident from_record(const json_t *r)
{
	Incident i;
	i.id = pb::integer_at(r, "id");
	i.name = pb::text_at(r, "class");
	i.topic = pb::text_at(r, "topic");
	i.since = pb::integer_at(r, "since");
	i.state = static_cast<Incident::State>(std::clamp<json_int_t>(pb::integer_at(r, "state"), 0, 3));
	i.reason = pb::text_at(r, "reason");
	i.advice = pb::text_at(r, "advice");
	i.outcome = pb::text_at(r, "outcome");
	i.joined = pb::integer_at(r, "joined");
	i.acknowledged = pb::integer_at(r, "acknowledged");
	i.ended = pb::integer_at(r, "ended");
	std::size_t n;
	json_t *j;
	json_array_foreach(const_cast<json_t *>(pb::at(r, "attempts")), n, j)
		i.add({pb::integer_at(j, "time"), std::string(pb::text_at(j, "call")), std::string(pb::text_at(j, "result"))});
	json_array_foreach(const_cast<json_t *>(pb::at(r, "topics")), n, j) i.topics.emplace_back(pb::text_of(j));
	if (i.state == Incident::State::recovering) {
		i.state = Incident::State::open;
		if (!i.attempts.empty() && i.attempts.back().result == "running") i.attempts.back().result = "cut off: the daemon was restarted";
	}
	return i;
}

} // namespace recovery
