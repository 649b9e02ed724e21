// Pieces of JSON text, appended to a string: what a list of thousands of devices is made of.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace devices {

/// A JSON string with its quotes. Bytes that are not UTF-8, and NUL, become U+FFFD: strangers choose these texts.
void append_quoted(std::string &out, std::string_view text);
/// As append_quoted, or null where there is no text.
void append_quoted_or_null(std::string &out, std::string_view text);
void append_integer(std::string &out, std::int64_t value);
/// The shortest decimal that reads back as the same number; null for what is not finite.
void append_number(std::string &out, double value);
void append_number_or_null(std::string &out, const std::optional<double> &value);
/// ISO 8601 UTC with milliseconds, in quotes: "2026-11-24T10:00:00.000Z".
void append_time(std::string &out, std::int64_t unix_ms);
/// As append_time, or null for 0.
void append_time_or_null(std::string &out, std::int64_t unix_ms);

/// Days since 1970-01-01 of a date of the Gregorian calendar.
[[nodiscard]] constexpr std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) noexcept
{
	year -= month <= 2;
	const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
	const auto of_era = static_cast<unsigned>(year - era * 400);
	const unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + static_cast<std::int64_t>(of_era * 365 + of_era / 4 - of_era / 100 + of_year) - 719468;
}

/// "AA:BB:CC:DD:EE:FF" (any case, `:` or `-`, six to eight bytes) as a number; empty if it is not one.
[[nodiscard]] std::optional<std::uint64_t> parse_mac(std::string_view text) noexcept;
/// The same text in upper case, with colons.
[[nodiscard]] std::string upper_mac(std::string_view text);

/// ASCII without case: enough for MACs, types and the search in names.
[[nodiscard]] bool is_same_word(std::string_view a, std::string_view b) noexcept;
/// Is `word`, lower case already, a part of `text`?
[[nodiscard]] bool has_word(std::string_view text, std::string_view word) noexcept;
[[nodiscard]] std::string lower(std::string_view text);

} // namespace devices
