// The JSON of topics and route, written once a change. What is missing is null.
#pragma once
#include "fix.hpp"

#include <string>
#include <string_view>

namespace gpsd {

[[nodiscard]] std::string to_text(const Fix &f);
[[nodiscard]] std::string to_text(const Sky &s);
/// Without the closing brace: members may follow.
[[nodiscard]] std::string open_text(const Device &d);
/// A text with its quotes, or null where it is empty.
[[nodiscard]] std::string quoted(std::string_view text);
/// "2026-11-24T10:00:00.000Z" with its quotes, or null.
[[nodiscard]] std::string quoted_time(std::optional<std::int64_t> unix_ms);

} // namespace gpsd
