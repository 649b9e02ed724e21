#include "text.hpp"

#include <patchbay/json.hpp>

#include <fmt/format.h>

#include <ctime>
#include <iterator>

namespace gpsd {
namespace {

void put(std::string &out, const char *name, double v)
{
	if (std::isfinite(v)) fmt::format_to(std::back_inserter(out), ",\"{}\":{}", name, v); // the shortest that reads back the same
	else fmt::format_to(std::back_inserter(out), ",\"{}\":null", name);
}

void put(std::string &out, const char *name, std::optional<int> v)
{
	if (v) fmt::format_to(std::back_inserter(out), ",\"{}\":{}", name, *v);
	else fmt::format_to(std::back_inserter(out), ",\"{}\":null", name);
}

} // namespace

std::string quoted(std::string_view text) { return text.empty() ? "null" : pb::Json(text).text(); }

std::string quoted_time(std::optional<std::int64_t> unix_ms)
{
	if (!unix_ms) return "null";
	const std::time_t seconds = *unix_ms / 1000;
	std::tm t{};
	gmtime_r(&seconds, &t);
	return fmt::format(
		"\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z\"", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, *unix_ms % 1000);
}

std::string to_text(const Fix &f)
{
	std::string out = fmt::format("{{\"class\":\"TPV\",\"device\":{},\"mode\":{},\"time\":{}", quoted(f.device), f.mode, quoted_time(f.time_ms));
	put(out, "status", f.status);
	put(out, "leapseconds", f.leapseconds);
	static constexpr std::pair<const char *, double Fix::*> numbers[]{{"lat", &Fix::lat}, {"lon", &Fix::lon}, {"altHAE", &Fix::altHAE},
		{"altMSL", &Fix::altMSL}, {"geoidSep", &Fix::geoidSep}, {"speed", &Fix::speed}, {"track", &Fix::track}, {"climb", &Fix::climb},
		{"magtrack", &Fix::magtrack}, {"magvar", &Fix::magvar}, {"ept", &Fix::ept}, {"epx", &Fix::epx}, {"epy", &Fix::epy}, {"epv", &Fix::epv},
		{"eph", &Fix::eph}, {"epd", &Fix::epd}, {"eps", &Fix::eps}, {"epc", &Fix::epc}, {"sep", &Fix::sep}};
	for (const auto &[name, member] : numbers) put(out, name, f.*member);
	out += '}';
	return out;
}

std::string to_text(const Sky &s)
{
	std::string out = fmt::format("{{\"class\":\"SKY\",\"device\":{}", quoted(s.device));
	static constexpr std::pair<const char *, double Sky::*> numbers[]{{"xdop", &Sky::xdop}, {"ydop", &Sky::ydop}, {"vdop", &Sky::vdop}, {"tdop", &Sky::tdop},
		{"hdop", &Sky::hdop}, {"gdop", &Sky::gdop}, {"pdop", &Sky::pdop}};
	for (const auto &[name, member] : numbers) put(out, name, s.*member);
	put(out, "nSat", s.nSat);
	put(out, "uSat", s.uSat);
	out += ",\"satellites\":[";
	for (const Satellite &x : s.satellites) {
		if (out.back() == '}') out += ',';
		fmt::format_to(std::back_inserter(out), "{{\"PRN\":{}", x.PRN);
		put(out, "el", x.el);
		put(out, "az", x.az);
		put(out, "ss", x.ss);
		out += x.used ? ",\"used\":true" : ",\"used\":false";
		put(out, "gnssid", x.gnssid);
		put(out, "svid", x.svid);
		put(out, "sigid", x.sigid);
		put(out, "freqid", x.freqid);
		put(out, "health", x.health);
		out += '}';
	}
	out += "]}";
	return out;
}

std::string open_text(const Device &d)
{
	std::string out = fmt::format("{{\"path\":{},\"driver\":{},\"subtype\":{},\"subtype1\":{},\"activated\":{}", quoted(d.path), quoted(d.driver),
		quoted(d.subtype), quoted(d.subtype1), quoted(d.activated));
	put(out, "flags", d.flags);
	put(out, "native", d.native);
	put(out, "bps", d.bps);
	out += ",\"parity\":" + quoted(d.parity);
	put(out, "stopbits", d.stopbits);
	put(out, "cycle", d.cycle);
	put(out, "mincycle", d.mincycle);
	return out;
}

} // namespace gpsd
