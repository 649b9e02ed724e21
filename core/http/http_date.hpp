// Dates as HTTP has them: "Sun, 06 Nov 1994 08:49:37 GMT", in English whatever the locale.
#pragma once
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace core::http {

[[nodiscard]] std::string http_date(std::time_t when);
/// The form above alone; the two obsolete ones count as none, so that a condition that uses them fails on the safe side.
[[nodiscard]] std::optional<std::time_t> parse_http_date(std::string_view text) noexcept;

} // namespace core::http
