// Figures as people read them: ages, sizes, counts, degrees.
#pragma once
#include <patchbay/json.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ctl {

using Seconds = std::chrono::duration<double>;

/// "0.4 s", "12 s", "3 m 5 s", "2 h 10 m", "4 d 1 h".
[[nodiscard]] std::string duration_text(Seconds time);
/// "512 B", "1.4 MiB".
[[nodiscard]] std::string bytes_text(double bytes);
/// "1,234".
[[nodiscard]] std::string count_text(std::int64_t n);
/// "250ms", "5s", "10m", "1h", "2d" → seconds; nothing where it is none.
[[nodiscard]] std::optional<Seconds> parse_duration(std::string_view text) noexcept;

/// Unix seconds of "2026-11-24T23:05:12.000Z".
[[nodiscard]] std::optional<double> parse_time(std::string_view text);
/// Time since then by this machine's clock; nothing where it is no time.
[[nodiscard]] std::optional<Seconds> age_of(std::string_view time);
/// The age as text, "-" where there is none.
[[nodiscard]] std::string age_text(std::string_view time);
/// Unix seconds as local time, "23:05:12", with the date where it is not today's.
[[nodiscard]] std::string clock_text(double unix_seconds);

/// A scalar as text: numbers with `digits` after the point; null and what is missing as "-".
[[nodiscard]] std::string figure(const json_t *value, int digits = 1, std::string_view unit = {});

} // namespace ctl
