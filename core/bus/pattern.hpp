// Topic names and the patterns that choose among them.
#pragma once
#include <string_view>

namespace core {

/// "gps/fix" is itself; `*` stands for one part, `**` for any number of parts, also none.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view name) noexcept;
/// Parts of [A-Za-z0-9._:@-]+ joined by '/', up to 128 bytes.
[[nodiscard]] bool is_topic_name(std::string_view name) noexcept;
/// A name in which parts may also be `*` or `**`.
[[nodiscard]] bool is_pattern(std::string_view pattern) noexcept;

} // namespace core
