#include "text.hpp"

#include <patchbay/patchbay.hpp>

#include <fmt/format.h>

#include <cmath>
#include <ctime>

namespace webhook {

std::string iso_time(std::int64_t unix_ms)
{
	const std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
	std::tm t{};
	gmtime_r(&seconds, &t);
	return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, unix_ms % 1000);
}

std::string iso_now() { return iso_time(pb::unix_ms()); }

pb::Json stamped(pb::Json object)
{
	object.set("timestamp", iso_now());
	return object;
}

std::string html(std::string_view text)
{
	std::string out;
	out.reserve(text.size());
	for (const char c : text) switch (c) {
		case '&': out += "&amp;"; break;
		case '<': out += "&lt;"; break;
		case '>': out += "&gt;"; break;
		case '"': out += "&quot;"; break;
		case '\'': out += "&#39;"; break;
		default: out += c;
		}
	return out;
}

double rounded(double value) noexcept { return std::round(value * 100) / 100; }

pb::Json percentage(double part, double whole)
{
	if (whole <= 0) return nullptr;
	return std::round(part / whole * 1e6) / 1e4; // a small script is not nothing
}

pb::Json or_null(const json_t *value) { return value ? pb::Json::share(value) : pb::Json(nullptr); }

} // namespace webhook
