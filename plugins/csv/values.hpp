// The values that stand in fields: numbers, times, octal escapes. Strict: what is not wholly one is none.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace csv {

[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text) noexcept;
[[nodiscard]] std::optional<double> parse_decimal(std::string_view text) noexcept;
/// "YYYY-MM-DD HH:MM:SS", UTC, as unix milliseconds.
[[nodiscard]] std::optional<std::int64_t> parse_utc(std::string_view text) noexcept;
/// The same in this machine's time zone: how airodump-ng writes.
[[nodiscard]] std::optional<std::int64_t> parse_local(std::string_view text) noexcept;
/// "Sat Nov 23 12:13:20 2025", in this machine's time zone: how Kismet 2013 writes.
[[nodiscard]] std::optional<std::int64_t> parse_ctime(std::string_view text) noexcept;
/// Appends text with `\` and three octal digits read as one byte; every other backslash stays.
void append_unescaped(std::string &out, std::string_view text);
/// "[WPA2-PSK-CCMP][ESS]" → "WPA2-PSK-CCMP", "[ESS]" → "Open": appends what is not about the kind of network.
void append_encryption(std::string &out, std::string_view auth_mode);

} // namespace csv
