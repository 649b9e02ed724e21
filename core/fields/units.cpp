// Durations ("250ms") and times (ISO 8601) as text.
#include "fields/check.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cmath>

namespace core::fields {

namespace {
struct Unit {
	std::string_view name;
	double seconds;
};
constexpr Unit units[] = {{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}, {"ms", 0.001}};
constexpr double most_seconds = 100 * 365.25 * 86400; // fits into milliseconds with room to spare

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Takes exactly `count` digits off the front.
std::optional<unsigned> take_digits(std::string_view &text, std::size_t count) noexcept
{
	if (text.size() < count) return {};
	unsigned n = 0;
	for (std::size_t i = 0; i < count; ++i) {
		if (!is_digit(text[i])) return {};
		n = n * 10 + static_cast<unsigned>(text[i] - '0');
	}
	text.remove_prefix(count);
	return n;
}

bool take(std::string_view &text, std::string_view any_of) noexcept
{
	if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
	text.remove_prefix(1);
	return true;
}

/// "Z", "+02:00", "-0130", or nothing → seconds east of Greenwich.
std::optional<double> take_offset(std::string_view &text) noexcept
{
	if (text.empty() || take(text, "Zz")) return 0;
	const bool is_west = text.front() == '-';
	if (!take(text, "+-")) return {};
	const auto hours = take_digits(text, 2);
	take(text, ":");
	const auto minutes = take_digits(text, 2);
	if (!hours || !minutes || *hours > 23 || *minutes > 59) return {};
	const double seconds = *hours * 3600.0 + *minutes * 60.0;
	return is_west ? -seconds : seconds;
}

/// "10:00", "10:00:00", "10:00:00.250" → seconds of the day. 60 is a leap second.
std::optional<double> take_clock(std::string_view &text) noexcept
{
	const auto hour = take_digits(text, 2);
	if (!hour || !take(text, ":")) return {};
	const auto minute = take_digits(text, 2);
	if (!minute || *hour > 23 || *minute > 59) return {};
	double seconds = 0;
	if (take(text, ":")) {
		const auto second = take_digits(text, 2);
		if (!second || *second > 60) return {};
		seconds = *second;
		if (take(text, ".,")) {
			std::int64_t digits = 0, scale = 1;
			if (text.empty() || !is_digit(text.front())) return {};
			for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
				if (scale == 1'000'000'000) continue; // finer than a double holds
				digits = digits * 10 + (text.front() - '0');
				scale *= 10;
			}
			seconds += static_cast<double>(digits) / static_cast<double>(scale);
		}
	}
	return *hour * 3600.0 + *minute * 60.0 + seconds;
}
} // namespace

std::optional<double> parse_duration(std::string_view text) noexcept
{
	if (text.empty() || !is_digit(text.front())) return {};
	double number = 0;
	const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
	if (error != std::errc()) return {};
	const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
	for (const Unit &u : units) {
		if (u.name != unit) continue;
		const double seconds = u.name == "ms" ? number / 1000 : number * u.seconds; // 250 / 1000 is exact where 250 * 0.001 is not
		return seconds <= most_seconds ? std::optional(seconds) : std::nullopt;
	}
	return {};
}

std::string duration_text(double seconds)
{
	for (const Unit &u : units) {
		const double n = seconds / u.seconds;
		if (n >= 1 && std::abs(n - std::round(n)) < 1e-9) return fmt::format("{:.0f}{}", n, u.name);
	}
	return fmt::format("{:.12g}s", seconds);
}

std::optional<double> parse_time(std::string_view text) noexcept
{
	const auto year = take_digits(text, 4);
	if (!year || !take(text, "-")) return {};
	const auto month = take_digits(text, 2);
	if (!month || !take(text, "-")) return {};
	const auto day = take_digits(text, 2);
	if (!day) return {};
	const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month), std::chrono::day(*day)};
	if (!date.ok()) return {};
	double seconds = static_cast<double>(std::chrono::sys_days(date).time_since_epoch().count()) * 86400;
	if (text.empty()) return seconds;
	if (!take(text, "Tt ")) return {};
	const auto clock = take_clock(text);
	if (!clock) return {};
	const auto offset = take_offset(text);
	if (!offset || !text.empty()) return {};
	seconds += *clock - *offset;
	return seconds;
}

} // namespace core::fields
