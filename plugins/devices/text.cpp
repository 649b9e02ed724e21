#include "devices/text.hpp"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <iterator>

namespace devices {
namespace {

constexpr char fold(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

/// Length of the well-formed UTF-8 sequence that begins at `p`, 0 if there is none.
std::size_t sequence(const unsigned char *p, std::size_t left) noexcept
{
	const unsigned char c = p[0];
	const std::size_t n = c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
	if (n == 0 || n > left) return 0;
	for (std::size_t i = 1; i < n; ++i)
		if ((p[i] & 0xc0) != 0x80) return 0;
	const bool is_bad = (c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] >= 0xa0) || (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] >= 0x90);
	return is_bad ? 0 : n;
}

constexpr bool is_plain(unsigned char c) noexcept { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

void append_escaped(std::string &out, unsigned char c)
{
	switch (c) {
	case '"': out += "\\\""; break;
	case '\\': out += "\\\\"; break;
	case '\n': out += "\\n"; break;
	case '\r': out += "\\r"; break;
	case '\t': out += "\\t"; break;
	case 0: out += "\xef\xbf\xbd"; break;
	default: fmt::format_to(std::back_inserter(out), FMT_COMPILE("\\u{:04x}"), c);
	}
}

} // namespace

void append_quoted(std::string &out, std::string_view text)
{
	out += '"';
	const auto *p = reinterpret_cast<const unsigned char *>(text.data());
	for (std::size_t i = 0; i < text.size();) {
		std::size_t plain = i;
		while (plain < text.size() && is_plain(p[plain])) ++plain;
		out.append(text, i, plain - i);
		i = plain;
		if (i == text.size()) break;
		if (p[i] < 0x80) {
			append_escaped(out, p[i++]);
		} else if (const std::size_t n = sequence(p + i, text.size() - i)) {
			out.append(text, i, n);
			i += n;
		} else {
			out += "\xef\xbf\xbd";
			++i;
		}
	}
	out += '"';
}

void append_quoted_or_null(std::string &out, std::string_view text)
{
	if (text.empty()) out += "null";
	else append_quoted(out, text);
}

void append_integer(std::string &out, std::int64_t value)
{
	const fmt::format_int text(value);
	out.append(text.data(), text.size());
}

void append_number(std::string &out, double value)
{
	if (!std::isfinite(value)) out += "null";
	else if (value == std::floor(value) && std::fabs(value) < 1e15) append_integer(out, static_cast<std::int64_t>(value));
	else fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}"), value);
}

void append_number_or_null(std::string &out, const std::optional<double> &value)
{
	if (value) append_number(out, *value);
	else out += "null";
}

void append_time(std::string &out, std::int64_t unix_ms)
{
	constexpr std::int64_t day_ms = 86'400'000;
	// Years of four digits only: what is beyond is a broken clock, shown at the edge.
	constexpr std::int64_t first = days_from_civil(1, 1, 1) * day_ms, last = days_from_civil(10000, 1, 1) * day_ms - 1;
	unix_ms = unix_ms < first ? first : unix_ms > last ? last : unix_ms;
	std::int64_t days = unix_ms / day_ms, rest = unix_ms % day_ms;
	if (rest < 0) {
		rest += day_ms;
		--days;
	}
	const std::int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	const auto of_era = static_cast<unsigned>(z - era * 146097);
	const unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	const unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	const unsigned m = (5 * of_year + 2) / 153, day = of_year - (153 * m + 2) / 5 + 1, month = m < 10 ? m + 3 : m - 9;
	const auto year = static_cast<unsigned>(static_cast<std::int64_t>(year_of_era) + era * 400) + (month <= 2 ? 1 : 0);
	const auto t = static_cast<unsigned>(rest);

	std::array<char, 26> text{};
	const auto put = [&](std::size_t at, std::size_t digits, unsigned value) {
		for (std::size_t i = digits; i-- > 0; value /= 10) text[at + i] = static_cast<char>('0' + value % 10);
	};
	std::memcpy(text.data(), "\"0000-00-00T00:00:00.000Z\"", text.size());
	put(1, 4, year);
	put(6, 2, month);
	put(9, 2, day);
	put(12, 2, t / 3'600'000);
	put(15, 2, t / 60'000 % 60);
	put(18, 2, t / 1000 % 60);
	put(21, 3, t % 1000);
	out.append(text.data(), text.size());
}

void append_time_or_null(std::string &out, std::int64_t unix_ms)
{
	if (unix_ms == 0) out += "null";
	else append_time(out, unix_ms);
}

std::optional<std::uint64_t> parse_mac(std::string_view text) noexcept
{
	const std::size_t bytes = (text.size() + 1) / 3;
	if (text.size() % 3 != 2 || bytes < 6 || bytes > 8) return {};
	std::uint64_t mac = 0;
	for (std::size_t i = 0; i < text.size(); ++i) {
		const char c = text[i];
		if (i % 3 == 2) {
			if (c != ':' && c != '-') return {};
			continue;
		}
		const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
		if (digit < 0) return {};
		mac = mac << 4 | static_cast<unsigned>(digit);
	}
	return mac;
}

std::string upper_mac(std::string_view text)
{
	std::string out(text);
	for (char &c : out) c = c == '-' ? ':' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
	return out;
}

bool is_same_word(std::string_view a, std::string_view b) noexcept
{
	if (a.size() != b.size()) return false;
	for (std::size_t i = 0; i < a.size(); ++i)
		if (fold(a[i]) != fold(b[i])) return false;
	return true;
}

bool has_word(std::string_view text, std::string_view word) noexcept
{
	if (word.empty()) return true;
	if (text.size() < word.size()) return false;
	for (std::size_t i = 0; i <= text.size() - word.size(); ++i) {
		if (fold(text[i]) != word[0]) continue;
		std::size_t n = 1;
		while (n < word.size() && fold(text[i + n]) == word[n]) ++n;
		if (n == word.size()) return true;
	}
	return false;
}

std::string lower(std::string_view text)
{
	std::string out(text);
	for (char &c : out) c = fold(c);
	return out;
}

} // namespace devices
