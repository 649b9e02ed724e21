#include "devices/alerts.hpp"

#include "devices/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

namespace devices {
namespace {

bool passes(const Alert &a, const Query &q, std::string_view word)
{
	if (q.since_ms && a.time * 1000 < static_cast<double>(*q.since_ms)) return false;
	if (!q.type.empty() && !is_same_word(a.type, q.type)) return false;
	return word.empty() || has_word(a.message, word) || has_word(a.type, word) || has_word(a.source, word) || has_word(a.dest, word);
}

// A cursor is "milliseconds.severity.id" of the last one of a page; what follows it in the list's order comes next.
struct Mark {
	std::int64_t ms = 0;
	int severity = 0;
	std::string_view id;
};

Mark mark_of(const Alert &a) noexcept { return {std::llround(a.time * 1000), a.severity, a.id}; }

bool less(const Mark &a, const Mark &b, bool by_severity) noexcept
{
	if (by_severity && a.severity != b.severity) return a.severity < b.severity;
	if (a.ms != b.ms) return a.ms < b.ms;
	return a.id < b.id;
}

std::optional<Mark> parse_mark(std::string_view text)
{
	Mark m;
	const char *end = text.data() + text.size();
	const auto ms = std::from_chars(text.data(), end, m.ms);
	if (ms.ec != std::errc() || ms.ptr == end || *ms.ptr != '.') return {};
	const auto severity = std::from_chars(ms.ptr + 1, end, m.severity);
	if (severity.ec != std::errc() || severity.ptr == end || *severity.ptr != '.') return {};
	m.id = text.substr(static_cast<std::size_t>(severity.ptr + 1 - text.data()));
	return m;
}

std::string make_cursor(const Alert &a)
{
	const Mark m = mark_of(a);
	std::string out;
	append_integer(out, m.ms);
	out += '.';
	append_integer(out, m.severity);
	out += '.';
	out += m.id;
	return out;
}

} // namespace

std::string_view severity_word(int severity) noexcept
{
	constexpr std::array<std::string_view, 5> words{"info", "low", "medium", "high", "critical"};
	return words[static_cast<std::size_t>(std::clamp((severity + 2) / 5, 0, 4))];
}

void append_alert(std::string &out, const Alert &a)
{
	out += "{\"id\":";
	append_quoted(out, a.id);
	out += ",\"type\":";
	append_quoted(out, a.type);
	out += ",\"severity\":";
	append_quoted(out, severity_word(a.severity));
	out += ",\"timestamp\":";
	append_time(out, std::llround(a.time * 1000));
	out += ",\"message\":";
	append_quoted(out, a.message);
	out += ",\"details\":{\"source\":";
	append_quoted_or_null(out, a.source);
	out += ",\"dest\":";
	append_quoted_or_null(out, a.dest);
	out += ",\"channel\":";
	append_quoted_or_null(out, a.channel);
	out += ",\"additional\":{\"class\":";
	append_quoted_or_null(out, a.group);
	out += ",\"transmitter\":";
	append_quoted_or_null(out, a.transmitter);
	out += "}}}";
}

bool Alerts::put(Alert alert)
{
	const auto same = [&](const Alert &a) { return a.id == alert.id && a.time == alert.time; };
	auto at = alerts.end();
	while (at != alerts.begin() && std::prev(at)->time >= alert.time) {
		--at;
		if (same(*at)) return false;
	}
	if (alerts.size() >= most && at == alerts.begin()) return false;
	append_alert(alert.text, alert);
	alerts.insert(at, std::move(alert));
	++changes;
	shrink();
	return true;
}

void Alerts::set_most(std::size_t most_)
{
	most = most_;
	shrink();
}

void Alerts::shrink()
{
	while (alerts.size() > most) {
		alerts.pop_front();
		++evictions;
		++changes;
	}
}

std::string Alerts::newest(std::size_t count) const
{
	std::string out = "[";
	for (std::size_t i = 0; i < count && i < alerts.size(); ++i) {
		if (i > 0) out += ',';
		out += alerts[alerts.size() - 1 - i].text;
	}
	return out += ']';
}

std::size_t Alerts::count_of(std::string_view severity) const noexcept
{
	return static_cast<std::size_t>(std::count_if(alerts.begin(), alerts.end(), [&](const Alert &a) { return severity_word(a.severity) == severity; }));
}

std::optional<Page> Alerts::list(const Query &query) const
{
	const bool is_falling = query.sort.starts_with('-');
	const bool by_severity = query.sort.ends_with("severity");
	std::optional<Mark> after;
	if (!query.cursor.empty() && !(after = parse_mark(query.cursor))) return {};

	const std::string word = lower(query.q);
	Page page;
	std::vector<const Alert *> found;
	for (const Alert &a : alerts) {
		if (!passes(a, query, word)) continue;
		++page.total;
		const bool is_after = !after || (is_falling ? less(mark_of(a), *after, by_severity) : less(*after, mark_of(a), by_severity));
		if (is_after) found.push_back(&a);
	}
	std::sort(found.begin(), found.end(),
		[&](const Alert *a, const Alert *b) { return is_falling ? less(mark_of(*b), mark_of(*a), by_severity) : less(mark_of(*a), mark_of(*b), by_severity); });
	const std::size_t count = std::min(query.limit, found.size());
	for (std::size_t i = 0; i < count; ++i) {
		if (i > 0) page.items += ',';
		page.items += found[i]->text;
	}
	if (count < found.size() && count > 0) page.next = make_cursor(*found[count - 1]);
	return page;
}

} // namespace devices
