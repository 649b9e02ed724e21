#include "terminal/units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

namespace ctl {

std::string duration_text(Seconds time)
{
	const double s = std::max(time.count(), 0.0);
	if (s < 10) return fmt::format("{:.1f} s", s);
	const auto n = static_cast<std::int64_t>(std::min(s, 1e12));
	if (n < 60) return fmt::format("{} s", n);
	if (n < 3600) return fmt::format("{} m {} s", n / 60, n % 60);
	if (n < 86400) return fmt::format("{} h {} m", n / 3600, n / 60 % 60);
	return fmt::format("{} d {} h", n / 86400, n / 3600 % 24);
}

std::string bytes_text(double bytes)
{
	constexpr std::array<const char *, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
	std::size_t unit = 0;
	for (; bytes >= 1024 && unit + 1 < units.size(); ++unit) bytes /= 1024;
	return unit == 0 || bytes >= 100 ? fmt::format("{:.0f} {}", bytes, units[unit]) : fmt::format("{:.1f} {}", bytes, units[unit]);
}

std::string count_text(std::int64_t n)
{
	std::string out = std::to_string(n);
	const std::size_t first = n < 0 ? 1 : 0;
	for (std::size_t i = out.size(); i > first + 3; i -= 3) out.insert(i - 3, ",");
	return out;
}

std::optional<Seconds> parse_duration(std::string_view text) noexcept
{
	double value = 0;
	const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
	if (error != std::errc() || !std::isfinite(value) || value < 0 || value > 1e9) return {};
	const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
	constexpr std::array<std::pair<std::string_view, double>, 5> units{{{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}}};
	for (const auto &[name, factor] : units)
		if (unit == name) return Seconds(value * factor);
	return {};
}

std::optional<double> parse_time(std::string_view text)
{
	std::tm at{};
	const std::string copy(text);
	const char *rest = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &at);
	if (!rest) return {};
	double fraction = 0;
	if (*rest == '.') {
		const char *last = copy.c_str() + copy.size();
		const auto [end, error] = std::from_chars(rest, last, fraction, std::chars_format::fixed);
		if (error != std::errc()) return {};
		rest = end;
	}
	if (std::string_view(rest) != "Z") return {};
	return static_cast<double>(timegm(&at)) + fraction;
}

std::optional<Seconds> age_of(std::string_view time)
{
	const auto at = parse_time(time);
	if (!at) return {};
	return std::chrono::system_clock::now().time_since_epoch() - Seconds(*at);
}

std::string age_text(std::string_view time)
{
	const auto age = age_of(time);
	return age ? duration_text(*age) : "-";
}

std::string clock_text(double unix_seconds)
{
	const auto at = static_cast<std::time_t>(unix_seconds), now = std::time(nullptr);
	std::tm local{}, today{};
	localtime_r(&at, &local);
	localtime_r(&now, &today);
	std::array<char, 64> out{};
	const bool is_today = local.tm_yday == today.tm_yday && local.tm_year == today.tm_year;
	(void)std::strftime(out.data(), out.size(), is_today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &local);
	return out.data();
}

std::string figure(const json_t *value, int digits, std::string_view unit)
{
	std::string out = "-";
	if (json_is_integer(value)) out = std::to_string(json_integer_value(value));
	else if (json_is_real(value)) out = fmt::format("{:.{}f}", json_real_value(value), digits);
	else if (json_is_string(value)) out = json_string_value(value);
	else if (json_is_boolean(value)) out = json_is_true(value) ? "yes" : "no";
	return out == "-" || unit.empty() ? out : fmt::format("{} {}", out, unit);
}

} // namespace ctl
