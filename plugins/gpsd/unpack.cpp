// The only file that includes gps.h: it leaks hundreds of macros and global names.
#include "unpack.hpp"

#include <patchbay/json.hpp>

#include <gps.h>

#include <algorithm>
#include <array>
#include <cstring>

#ifdef HAVE_LIBGPS_JSON_UNPACK
// Exported by libgps, declared in no installed header. Unlike gps_unpack it reports errors, and never loops on them.
extern "C" int libgps_json_unpack(const char *line, gps_data_t *data, const char **end);
#endif

namespace gpsd {
namespace {

using pb::at;
using pb::integer_at;
using pb::text_at;

struct Number {
	double Fix::*to;
	double (*from)(const gps_fix_t &);
	double min, max;
};
constexpr double far = 1e8; // metres: past any orbit that is of use
constexpr std::array numbers{
	Number{&Fix::lat, [](const gps_fix_t &f) { return f.latitude; }, -90, 90},
	Number{&Fix::lon, [](const gps_fix_t &f) { return f.longitude; }, -180, 180},
	Number{&Fix::altHAE, [](const gps_fix_t &f) { return f.altHAE; }, -far, far},
	Number{&Fix::altMSL, [](const gps_fix_t &f) { return f.altMSL; }, -far, far},
	Number{&Fix::geoidSep, [](const gps_fix_t &f) { return f.geoid_sep; }, -1000, 1000},
	Number{&Fix::speed, [](const gps_fix_t &f) { return f.speed; }, 0, 1e5},
	Number{&Fix::track, [](const gps_fix_t &f) { return f.track; }, 0, 360},
	Number{&Fix::climb, [](const gps_fix_t &f) { return f.climb; }, -1e5, 1e5},
	Number{&Fix::magtrack, [](const gps_fix_t &f) { return f.magnetic_track; }, 0, 360},
	Number{&Fix::magvar, [](const gps_fix_t &f) { return f.magnetic_var; }, -180, 180},
	Number{&Fix::ept, [](const gps_fix_t &f) { return f.ept; }, 0, far},
	Number{&Fix::epx, [](const gps_fix_t &f) { return f.epx; }, 0, far},
	Number{&Fix::epy, [](const gps_fix_t &f) { return f.epy; }, 0, far},
	Number{&Fix::epv, [](const gps_fix_t &f) { return f.epv; }, 0, far},
	Number{&Fix::eph, [](const gps_fix_t &f) { return f.eph; }, 0, far},
	Number{&Fix::epd, [](const gps_fix_t &f) { return f.epd; }, 0, far},
	Number{&Fix::eps, [](const gps_fix_t &f) { return f.eps; }, 0, far},
	Number{&Fix::epc, [](const gps_fix_t &f) { return f.epc; }, 0, far},
	Number{&Fix::sep, [](const gps_fix_t &f) { return f.sep; }, 0, far},
};

struct Dop {
	const char *name;
	double Sky::*to;
	double dop_t::*from;
};
constexpr std::array dops{
	Dop{"xdop", &Sky::xdop, &dop_t::xdop},
	Dop{"ydop", &Sky::ydop, &dop_t::ydop},
	Dop{"vdop", &Sky::vdop, &dop_t::vdop},
	Dop{"tdop", &Sky::tdop, &dop_t::tdop},
	Dop{"hdop", &Sky::hdop, &dop_t::hdop},
	Dop{"gdop", &Sky::gdop, &dop_t::gdop},
	Dop{"pdop", &Sky::pdop, &dop_t::pdop},
};

double within(double v, double min, double max) noexcept { return std::isfinite(v) && v >= min && v <= max ? v : none; }

std::optional<int> small_at(const json_t *object, const char *key, std::int64_t min, std::int64_t max) noexcept
{
	const json_t *j = at(object, key);
	const auto v = json_integer_value(j);
	return json_is_integer(j) && v >= min && v <= max ? std::optional(static_cast<int>(v)) : std::nullopt;
}

double number_at(const json_t *object, const char *key, double min, double max) noexcept { return within(pb::number_at(object, key).value_or(none), min, max); }

std::string short_text(const json_t *object, const char *key) { return std::string(text_at(object, key).substr(0, 255)); }

Device to_device(const json_t *json)
{
	Device d;
	d.path = short_text(json, "path");
	d.driver = short_text(json, "driver");
	d.subtype = short_text(json, "subtype");
	d.subtype1 = short_text(json, "subtype1");
	d.activated = short_text(json, "activated");
	d.parity = short_text(json, "parity");
	d.flags = number_at(json, "flags", 0, 1e9);
	d.native = number_at(json, "native", 0, 100);
	d.bps = number_at(json, "bps", 0, 1e9);
	d.stopbits = number_at(json, "stopbits", 0, 10);
	d.cycle = number_at(json, "cycle", 0, 3600);
	d.mincycle = number_at(json, "mincycle", 0, 3600);
	d.is_active = !json_is_number(at(json, "activated")); // "activated":0 is how gpsd says that it has let it go
	return d;
}

/// What is left of a TPV or SKY if all that libgps does not know is taken out: newer ones may hold lists and objects, at which
/// its parser stops.
pb::Json known_of(const json_t *json)
{
	static constexpr std::array keys{"class", "device", "status", "mode", "time", "leapseconds", "ept", "lat", "lon", "altHAE", "altMSL", "geoidSep", "epx",
		"epy", "epv", "track", "magtrack", "magvar", "speed", "climb", "epd", "eps", "epc", "eph", "sep", "xdop", "ydop", "vdop", "tdop", "hdop", "gdop",
		"pdop"};
	static constexpr std::array satellite_keys{"PRN", "el", "az", "ss", "used", "gnssid", "svid", "sigid", "freqid", "health"};
	pb::Json out = pb::Json::object();
	for (const char *k : keys)
		if (const json_t *v = at(json, k)) out.set(k, pb::Json::share(v));
	if (const json_t *list = at(json, "satellites")) {
		pb::Json satellites = pb::Json::array();
		std::size_t i;
		json_t *s;
		json_array_foreach(const_cast<json_t *>(list), i, s) {
			pb::Json one = pb::Json::object();
			for (const char *k : satellite_keys)
				if (const json_t *v = at(s, k)) one.set(k, pb::Json::share(v));
			satellites.push(std::move(one));
		}
		out.set("satellites", std::move(satellites));
	}
	return out;
}

bool parse_line(const std::string &line, gps_data_t &data)
{
	static constexpr std::string_view head = R"({"class":")";
	data.set = 0;
	if (!line.starts_with(head)) return false;
#ifdef HAVE_LIBGPS_JSON_UNPACK
	const char *end = nullptr;
	return libgps_json_unpack(line.c_str(), &data, &end) == 0 && data.set != 0;
#else
	// gps_unpack goes on after an error as long as there is a "class" ahead, and may do so for ever.
	return line.find(R"("class":)", 2) == line.npos && gps_unpack(line.c_str(), &data) == 0 && data.set != 0;
#endif
}

} // namespace

Unpacker::Unpacker() : data(std::make_unique<gps_data_t>()) {}
Unpacker::~Unpacker() = default;

bool Unpacker::bad(std::string why_)
{
	reason = std::move(why_);
	return false;
}

bool Unpacker::unpack(std::string_view line, std::vector<Report> &reports)
{
	if (line.size() > max_line) return bad("longer than 64 KiB");
	json_error_t error{};
	// Duplicate keys are allowed: the last one wins, here and in libgps.
	const pb::Json json = pb::Json::own(json_loadb(line.data(), line.size(), 0, &error));
	if (!json) return bad("byte " + std::to_string(error.position) + ": " + error.text);
	if (!json_is_object(json.get())) return bad("not an object");
	const auto before = reports.size();
	if (object(json.get(), line, reports)) return true;
	reports.erase(reports.begin() + static_cast<std::ptrdiff_t>(before), reports.end());
	return false;
}

bool Unpacker::object(const json_t *json, std::string_view line, std::vector<Report> &reports)
{
	const auto name = text_at(json, "class");
	if (name == "TPV") return fix(json, line, reports);
	if (name == "SKY") return sky(json, line, reports);
	if (name == "DEVICES") return device_list(json, reports);
	if (name == "POLL") return poll(json, reports);
	if (name == "DEVICE") {
		Device d = to_device(json);
		if (d.path.empty()) return bad("DEVICE without a path");
		reports.emplace_back(std::move(d));
	} else if (name == "VERSION") {
		reports.emplace_back(Version{short_text(json, "release")});
	} else if (name == "WATCH") {
		reports.emplace_back(Watching{});
	} else if (name == "ERROR") {
		reports.emplace_back(Complaint{short_text(json, "message")});
	} else if (name.empty()) {
		return bad("no class");
	}
	return true;
}

bool Unpacker::device_list(const json_t *json, std::vector<Report> &reports)
{
	const json_t *list = at(json, "devices");
	if (!json_is_array(list)) return bad("DEVICES without a list");
	Devices all;
	std::size_t i;
	json_t *v;
	json_array_foreach(const_cast<json_t *>(list), i, v) {
		Device d = to_device(v);
		if (d.path.empty()) return bad("DEVICES with one that has no path");
		all.list.push_back(std::move(d));
	}
	reports.emplace_back(std::move(all));
	return true;
}

/// libgps does nothing with a POLL: each of its fixes and skies is taken as the line that it would have been.
bool Unpacker::poll(const json_t *json, std::vector<Report> &reports)
{
	for (const char *key : {"tpv", "sky"}) {
		std::size_t i;
		json_t *v;
		json_array_foreach(const_cast<json_t *>(at(json, key)), i, v) {
			const auto name = text_at(v, "class");
			if (name != "TPV" && name != "SKY") return bad("POLL with something else in it");
			if (!object(v, pb::Json::share(v).text(), reports)) return false;
		}
	}
	return true;
}

bool Unpacker::libgps(const json_t *json, std::string_view line)
{
	copy = line;
	if (parse_line(copy, *data)) return true;
	copy = known_of(json).text();
	return parse_line(copy, *data);
}

bool Unpacker::fix(const json_t *json, std::string_view line, std::vector<Report> &reports)
{
	const json_t *mode = at(json, "mode");
	if (mode && (!json_is_integer(mode) || json_integer_value(mode) < 0 || json_integer_value(mode) > 3)) return bad("TPV with a mode that is none");
	if (!libgps(json, line)) return bad("libgps does not take the TPV");
	const gps_fix_t &from = data->fix;
	Fix f;
	f.device = short_text(json, "device");
	f.mode = from.mode;
	f.leapseconds = small_at(json, "leapseconds", 0, 255);
	// 2000 to 2100: text that is no time comes as 1899, and a receiver without time as 1970 or 1980.
	if (json_is_string(at(json, "time")) && from.time.tv_sec >= 946684800 && from.time.tv_sec < 4102444800)
		f.time_ms = std::int64_t{from.time.tv_sec} * 1000 + from.time.tv_nsec / 1'000'000;
	if (f.mode >= MODE_2D) {
		f.status = small_at(json, "status", 0, 255); // libgps says 0, no fix, where gpsd has said nothing
		for (const Number &n : numbers) f.*n.to = within(n.from(from), n.min, n.max);
		if (!std::isfinite(f.lat) || !std::isfinite(f.lon)) return bad("TPV with a fix but no position");
	}
	reports.emplace_back(std::move(f));
	return true;
}

bool Unpacker::sky(const json_t *json, std::string_view line, std::vector<Report> &reports)
{
	const json_t *list = at(json, "satellites");
	if (list && !json_is_array(list)) return bad("SKY whose satellites are no list");
	if (json_array_size(list) > MAXCHANNELS) return bad("SKY with more satellites than libgps has room for");
	if (!libgps(json, line)) return bad("libgps does not take the SKY");
	Sky s;
	s.device = short_text(json, "device");
	for (const Dop &d : dops)
		if (at(json, d.name)) s.*d.to = within(data->dop.*d.from, 0, 1000);
	s.has_satellites = json_array_size(list) > 0;
	for (std::size_t i = 0; i < json_array_size(list); ++i) {
		const json_t *given = json_array_get(list, i);
		const satellite_t &from = data->skyview[i];
		s.satellites.push_back({.PRN = from.PRN,
			.el = within(from.elevation, -90, 90),
			.az = within(from.azimuth, 0, 360),
			.ss = at(given, "ss") ? within(from.ss, 0, 254) : none,
			.used = from.used,
			.gnssid = small_at(given, "gnssid", 0, 255),
			.svid = small_at(given, "svid", 0, 1000),
			.sigid = small_at(given, "sigid", 0, 255),
			.freqid = small_at(given, "freqid", -7, 255),
			.health = small_at(given, "health", 0, 2)});
	}
	const auto used = std::count_if(s.satellites.begin(), s.satellites.end(), [](const Satellite &x) { return x.used; });
	s.nSat = small_at(json, "nSat", 0, MAXCHANNELS);
	s.uSat = small_at(json, "uSat", 0, MAXCHANNELS);
	if (s.has_satellites && !s.nSat) s.nSat = static_cast<int>(s.satellites.size()); // older gpsd send the list alone
	if (s.has_satellites && !s.uSat) s.uSat = static_cast<int>(used);
	reports.emplace_back(std::move(s));
	return true;
}

} // namespace gpsd
