#include "devices/history.hpp"

#include "devices/text.hpp"

namespace devices {

void append_history(std::string &out, const History &history)
{
	out += '[';
	for (const History::Sample &s : history.all()) {
		if (out.back() != '[') out += ',';
		out += "{\"time\":";
		append_time(out, s.time_ms);
		out += ",\"signal\":";
		append_integer(out, s.signal);
		out += ",\"lat\":";
		append_number_or_null(out, s.has_place ? std::optional(s.lat_e7 / 1e7) : std::nullopt);
		out += ",\"lon\":";
		append_number_or_null(out, s.has_place ? std::optional(s.lon_e7 / 1e7) : std::nullopt);
		out += '}';
	}
	out += ']';
}

} // namespace devices
