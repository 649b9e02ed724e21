#include "csv/values.hpp"

#include "devices/text.hpp"

#include <array>
#include <charconv>
#include <ctime>

namespace csv {
namespace {

/// Exactly `digits` digits at `at`; -1 if they are not.
int number_at(std::string_view text, std::size_t at, std::size_t digits) noexcept
{
	int n = 0;
	for (std::size_t i = at; i < at + digits; ++i) {
		if (text[i] < '0' || text[i] > '9') return -1;
		n = n * 10 + (text[i] - '0');
	}
	return n;
}

struct Civil {
	int year, month, day, hour, minute, second;
};

bool is_right(const Civil &c) noexcept
{
	return c.year >= 1970 && c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= 31 && c.hour >= 0 && c.hour < 24 && c.minute >= 0 && c.minute < 60 &&
		   c.second >= 0 && c.second <= 60;
}

std::optional<Civil> parse_civil(std::string_view t) noexcept
{
	if (t.size() != 19 || t[4] != '-' || t[7] != '-' || (t[10] != ' ' && t[10] != 'T') || t[13] != ':' || t[16] != ':') return {};
	const Civil c{number_at(t, 0, 4), number_at(t, 5, 2), number_at(t, 8, 2), number_at(t, 11, 2), number_at(t, 14, 2), number_at(t, 17, 2)};
	return is_right(c) ? std::optional(c) : std::nullopt;
}

std::optional<std::int64_t> local_ms(const Civil &c) noexcept
{
	std::tm t{};
	t.tm_year = c.year - 1900;
	t.tm_mon = c.month - 1;
	t.tm_mday = c.day;
	t.tm_hour = c.hour;
	t.tm_min = c.minute;
	t.tm_sec = c.second;
	t.tm_isdst = -1;
	const std::time_t s = std::mktime(&t);
	return s == -1 ? std::nullopt : std::optional<std::int64_t>(static_cast<std::int64_t>(s) * 1000);
}

} // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) noexcept
{
	std::int64_t v = 0;
	const auto r = std::from_chars(text.data(), text.data() + text.size(), v);
	if (r.ec != std::errc() || r.ptr != text.data() + text.size()) return {};
	return v;
}

std::optional<double> parse_decimal(std::string_view text) noexcept
{
	// Up to 15 digits and a power of ten are both exact as doubles, so that one division rounds rightly. The rest is rare.
	constexpr std::array<double, 16> powers{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	const bool is_negative = text.starts_with('-');
	std::int64_t mantissa = 0;
	std::size_t digits = 0, fraction = 0, i = is_negative;
	bool has_point = false;
	for (; i < text.size(); ++i) {
		const char c = text[i];
		if (c >= '0' && c <= '9') {
			mantissa = mantissa * 10 + (c - '0');
			fraction += has_point;
			if (++digits > 15) break;
		} else if (c == '.' && !has_point) {
			has_point = true;
		} else {
			break;
		}
	}
	if (i == text.size() && digits > 0) {
		const double v = static_cast<double>(mantissa) / powers[fraction];
		return is_negative ? -v : v;
	}
	double v = 0;
	const auto r = std::from_chars(text.data(), text.data() + text.size(), v);
	if (text.empty() || r.ec != std::errc() || r.ptr != text.data() + text.size()) return {};
	return v;
}

std::optional<std::int64_t> parse_utc(std::string_view text) noexcept
{
	const auto c = parse_civil(text);
	if (!c) return {};
	const std::int64_t days = devices::days_from_civil(c->year, static_cast<unsigned>(c->month), static_cast<unsigned>(c->day));
	return ((days * 24 + c->hour) * 60 + c->minute) * 60'000 + c->second * 1000;
}

std::optional<std::int64_t> parse_local(std::string_view text) noexcept
{
	const auto c = parse_civil(text);
	return c ? local_ms(*c) : std::nullopt;
}

std::optional<std::int64_t> parse_ctime(std::string_view t) noexcept
{
	constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
	if (t.size() != 24 || t[3] != ' ' || t[7] != ' ' || t[10] != ' ' || t[13] != ':' || t[16] != ':' || t[19] != ' ') return {};
	const std::size_t month = months.find(t.substr(4, 3));
	const int day = t[8] == ' ' ? number_at(t, 9, 1) : number_at(t, 8, 2);
	const Civil c{
		number_at(t, 20, 4), month % 3 == 0 ? static_cast<int>(month / 3) + 1 : 0, day, number_at(t, 11, 2), number_at(t, 14, 2), number_at(t, 17, 2)};
	return is_right(c) ? local_ms(c) : std::nullopt;
}

void append_unescaped(std::string &out, std::string_view text)
{
	const auto is_octal = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '7'; };
	for (std::size_t i = 0; i < text.size();) {
		const std::size_t slash = text.find('\\', i);
		out.append(text, i, slash == std::string_view::npos ? slash : slash - i);
		if (slash == std::string_view::npos) break;
		if (slash + 3 < text.size() && text[slash + 1] <= '3' && is_octal(slash + 1) && is_octal(slash + 2) && is_octal(slash + 3)) {
			out += static_cast<char>((text[slash + 1] - '0') * 64 + (text[slash + 2] - '0') * 8 + (text[slash + 3] - '0'));
			i = slash + 4;
		} else {
			out += '\\';
			i = slash + 1;
		}
	}
}

void append_encryption(std::string &out, std::string_view auth_mode)
{
	const std::size_t before = out.size();
	while (!auth_mode.empty()) {
		const std::size_t end = auth_mode.find(']');
		std::string_view part = auth_mode.substr(0, end);
		auth_mode = end == std::string_view::npos ? std::string_view() : auth_mode.substr(end + 1);
		if (part.starts_with('[')) part.remove_prefix(1);
		if (part.empty() || part == "ESS" || part == "IBSS" || part == "WPS" || part == "P2P" || part == "MESH") continue;
		if (out.size() > before) out += ' ';
		out += part;
	}
	if (out.size() == before) out += "Open";
}

} // namespace csv
