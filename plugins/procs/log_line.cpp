#include "log_line.hpp"

#include <patchbay/json.hpp>

#include <fmt/format.h>

#include <charconv>
#include <ctime>

namespace procs {

std::optional<LogLine> parse_log_line(std::string_view line) noexcept
{
	LogLine out;
	std::int64_t seconds = 0;
	const char *end = line.data() + line.size();
	const auto r = std::from_chars(line.data(), end, seconds);
	if (r.ec != std::errc() || end - r.ptr < 7 || *r.ptr != '.' || seconds < 0 || seconds > 1'000'000'000'000) return {};
	const std::string_view rest(r.ptr + 1, static_cast<std::size_t>(end - r.ptr - 1)); // "123 o text"
	int millis = 0;
	const auto m = std::from_chars(rest.data(), rest.data() + 3, millis);
	if (m.ec != std::errc() || m.ptr != rest.data() + 3 || rest[3] != ' ' || rest[5] != ' ') return {};
	switch (rest[4]) {
	case 'o':
	case 'O': out.stream = "stdout"; break;
	case 'e':
	case 'E': out.stream = "stderr"; break;
	case 'k': out.stream = "keeper"; break;
	default: return {};
	}
	out.is_cut = rest[4] < 'a';
	out.time_ms = seconds * 1000 + millis;
	out.text = rest.substr(6);
	return out;
}

std::string iso_time(std::int64_t unix_ms)
{
	const std::time_t seconds = unix_ms / 1000 - (unix_ms % 1000 < 0);
	std::tm t{};
	::gmtime_r(&seconds, &t);
	return fmt::format(
		"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, (unix_ms % 1000 + 1000) % 1000);
}

std::string to_json(const LogLine &line)
{
	pb::Json out = {{"time", iso_time(line.time_ms)}, {"stream", line.stream}, {"text", pb::utf8(line.text)}};
	if (line.is_cut) out.set("cut", true);
	return out.text();
}

} // namespace procs
