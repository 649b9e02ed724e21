// One line of a log as a keeper writes it (keeper/protocol.h). Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace procs {

struct LogLine {
	std::int64_t time_ms = 0;
	std::string_view stream; // "stdout", "stderr", "keeper"
	bool is_cut = false;     // goes on in the next line of that stream
	std::string_view text;   // any bytes but newline
};

/// Without the newline. None: not of that shape (a torn one).
[[nodiscard]] std::optional<LogLine> parse_log_line(std::string_view line) noexcept;
/// {"time","stream","text"}, with "cut": true where it is; text mended to UTF-8.
[[nodiscard]] std::string to_json(const LogLine &line);
/// "2026-11-24T10:00:00.000Z"
[[nodiscard]] std::string iso_time(std::int64_t unix_ms);

} // namespace procs
