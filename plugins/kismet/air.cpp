#include "kismet/air.hpp"

#include "devices/summary.hpp"
#include "devices/text.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kismet {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto tell_interval = 500ms, summary_interval = 1000ms;
constexpr std::size_t most_news = 500, shown_alerts = 20, shown_messages = 20;

void append_source(std::string &out, const Source &s)
{
	out += "{\"name\":";
	devices::append_quoted(out, s.name);
	out += ",\"interface\":";
	devices::append_quoted(out, s.interface);
	out += ",\"type\":";
	devices::append_quoted_or_null(out, s.type);
	out += ",\"channel\":";
	devices::append_quoted_or_null(out, s.channel);
	out += ",\"running\":";
	out += s.is_running ? "true" : "false";
	out += ",\"packets\":";
	devices::append_integer(out, s.packets);
	out += ",\"error\":";
	devices::append_quoted_or_null(out, s.error);
	out += '}';
}

} // namespace

Air::Air(pb::Scope &scope, Limits limits, pb::Bound<int> on_watch)
	: table(limits.devices), alerts(limits.alerts), replies("kismet", table, &alerts),
	  summary_topic(
		  scope, "kismet/summary", "devices by type, networks by encryption, alerts by severity, packets a second, the sources", PB_DROP_SAME, on_watch),
	  changes_topic(scope, "kismet/changes", "devices that came, changed and went since: {added, changed, removed, omitted}; at most 2 a second", 0, on_watch),
	  alerts_topic(scope, "kismet/alerts", "the newest 20 alerts, and how many there are", PB_DROP_SAME, on_watch),
	  messages_topic(scope, "kismet/messages", "the newest 20 messages of Kismet's log", PB_DROP_SAME), timer(scope, pb::bind<&Air::on_tell>(this))
{}

void Air::configure(Limits limits)
{
	table.set_most(limits.devices);
	alerts.set_most(limits.alerts);
	tell_soon();
}

std::size_t Air::put(Taken &taken)
{
	const std::int64_t now = pb::unix_ms();
	const std::uint64_t before = table.generation();
	for (DeviceRecord &r : taken.devices) (void)table.put(r.mac, std::move(r.device), now);
	for (devices::Alert &a : taken.alerts) (void)alerts.put(std::move(a));
	for (Message &m : taken.messages) {
		messages.push_back(std::move(m));
		++messages_seen;
		if (messages.size() > shown_messages) messages.pop_front();
	}
	tell_soon();
	return table.generation() - before;
}

void Air::put_sources(std::vector<Source> sources_)
{
	sources = std::move(sources_);
	++source_changes;
	const auto now = Clock::now();
	const std::uint64_t total = packets();
	const double seconds = std::chrono::duration<double>(now - packets_at).count();
	if (packets_at != Clock::time_point{} && total >= packets_before && seconds > 0)
		packets_a_second = std::round(static_cast<double>(total - packets_before) / seconds * 10) / 10;
	packets_before = total;
	packets_at = now;
	tell_soon();
}

void Air::clear()
{
	table.clear();
	alerts.clear();
	messages.clear();
	sources.clear();
	++messages_seen;
	++source_changes;
	packets_a_second = -1;
	packets_at = {};
	tell_soon();
}

std::uint64_t Air::packets() const noexcept
{
	std::uint64_t n = 0;
	for (const Source &s : sources) n += static_cast<std::uint64_t>(std::max<std::int64_t>(0, s.packets));
	return n;
}

void Air::tell_soon(std::chrono::milliseconds at_least) noexcept
{
	if (std::exchange(is_planned, true)) return;
	const auto since = Clock::now() - told_at;
	const auto left = since >= tell_interval ? 0ms : std::chrono::ceil<std::chrono::milliseconds>(tell_interval - since);
	timer.once(std::max(left, at_least));
}

void Air::on_tell() noexcept
{
	is_planned = false;
	told_at = Clock::now();
	bool has_more = false;
	if (table.has_news()) changes_topic.publish_text(table.take_news(most_news, has_more));
	if (told_alerts != alerts.generation() + 1) {
		told_alerts = alerts.generation() + 1;
		std::string text = "{\"alerts\":" + alerts.newest(shown_alerts) + ",\"total\":";
		devices::append_integer(text, static_cast<std::int64_t>(alerts.size()));
		alerts_topic.publish_text(text += '}');
	}
	if (std::exchange(messages_told, messages_seen) != messages_seen) messages_topic.publish_text(messages_text());
	if (has_more) tell_soon();
	tell_summary();
	if (const std::int64_t now = pb::unix_ms(); now - expired_ms > 60'000 || now < expired_ms) {
		table.expire_histories(now);
		expired_ms = now;
	}
}

void Air::tell_summary()
{
	const std::uint64_t present = table.generation() + alerts.generation() + source_changes + 1;
	if (summed == present) return;
	if (Clock::now() - summed_at < summary_interval) return tell_soon(summary_interval); // of 20,000 devices: 2 ms
	summed = present;
	summed_at = Clock::now();
	summary_topic.publish_text(summary_text());
}

std::string Air::summary_text() const
{
	const devices::Summary s = devices::summarise(table);
	std::string out = "{\"devices\":";
	devices::append_integer(out, static_cast<std::int64_t>(s.devices));
	out += ",\"networks\":";
	devices::append_integer(out, static_cast<std::int64_t>(s.networks));
	out += ",\"alerts\":";
	devices::append_integer(out, static_cast<std::int64_t>(alerts.size()));
	out += ",\"by_type\":";
	devices::append_counts(out, s.by_type);
	out += ",\"by_encryption\":";
	devices::append_counts(out, s.by_encryption);
	out += ",\"by_severity\":{";
	for (const char *word : {"info", "low", "medium", "high", "critical"}) {
		out += out.back() == '{' ? "\"" : ",\"";
		out += word;
		out += "\":";
		devices::append_integer(out, static_cast<std::int64_t>(alerts.count_of(word)));
	}
	out += "},\"packets_per_second\":";
	devices::append_number_or_null(out, packets_a_second < 0 ? std::nullopt : std::optional(packets_a_second));
	out += ",\"sources\":[";
	for (const Source &source : sources) {
		if (out.back() != '[') out += ',';
		append_source(out, source);
	}
	out += "],\"first_seen\":";
	devices::append_time_or_null(out, s.first_ms);
	out += ",\"last_seen\":";
	devices::append_time_or_null(out, s.last_ms);
	out += ",\"evicted\":";
	devices::append_integer(out, static_cast<std::int64_t>(table.evicted() + alerts.evicted()));
	return out += '}';
}

std::string Air::messages_text() const
{
	std::string out = "{\"messages\":[";
	for (auto m = messages.rbegin(); m != messages.rend(); ++m) {
		if (out.back() != '[') out += ',';
		out += "{\"time\":";
		devices::append_time(out, std::llround(m->time * 1000));
		out += ",\"level\":";
		devices::append_quoted(out, m->level);
		out += ",\"text\":";
		devices::append_quoted(out, m->text);
		out += '}';
	}
	return out += "]}";
}

} // namespace kismet
