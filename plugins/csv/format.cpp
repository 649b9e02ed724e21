#include "csv/format.hpp"

#include "devices/text.hpp"

#include <utility>

namespace csv {
namespace {

struct Named {
	Format format;
	std::string_view name;
	Want want;
};

// Kismet 2013 has three places of a network; the one of its best signal is taken. airodump-ng calls the signal "Power".
constexpr std::array names{
	Named{Format::wiglecsv, "MAC", Want::mac},
	Named{Format::wiglecsv, "SSID", Want::ssid},
	Named{Format::wiglecsv, "AuthMode", Want::auth},
	Named{Format::wiglecsv, "FirstSeen", Want::first},
	Named{Format::wiglecsv, "Channel", Want::channel},
	Named{Format::wiglecsv, "Frequency", Want::frequency},
	Named{Format::wiglecsv, "RSSI", Want::dbm},
	Named{Format::wiglecsv, "CurrentLatitude", Want::lat},
	Named{Format::wiglecsv, "CurrentLongitude", Want::lon},
	Named{Format::wiglecsv, "AltitudeMeters", Want::alt},
	Named{Format::wiglecsv, "AccuracyMeters", Want::accuracy},
	Named{Format::wiglecsv, "Type", Want::type},
	Named{Format::kismet_2013, "BSSID", Want::mac},
	Named{Format::kismet_2013, "ESSID", Want::ssid},
	Named{Format::kismet_2013, "NetType", Want::type},
	Named{Format::kismet_2013, "Encryption", Want::auth},
	Named{Format::kismet_2013, "FirstTime", Want::first},
	Named{Format::kismet_2013, "LastTime", Want::last},
	Named{Format::kismet_2013, "Channel", Want::channel},
	Named{Format::kismet_2013, "BestSignal", Want::dbm},
	Named{Format::kismet_2013, "GPSBestLat", Want::lat},
	Named{Format::kismet_2013, "GPSBestLon", Want::lon},
	Named{Format::kismet_2013, "GPSBestAlt", Want::alt},
	Named{Format::kismet_2013, "Total", Want::packets},
	Named{Format::kismet_2013, "DataSize", Want::bytes},
	Named{Format::airodump, "BSSID", Want::mac},
	Named{Format::airodump, "ESSID", Want::ssid},
	Named{Format::airodump, "Privacy", Want::auth},
	Named{Format::airodump, "Cipher", Want::cipher},
	Named{Format::airodump, "First time seen", Want::first},
	Named{Format::airodump, "Last time seen", Want::last},
	Named{Format::airodump, "channel", Want::channel},
	Named{Format::airodump, "Power", Want::dbm},
	Named{Format::airodump, "# beacons", Want::packets},
	Named{Format::airodump, "# packets", Want::packets},
	Named{Format::airodump, "Station MAC", Want::mac},
};

std::string_view trimmed(std::string_view s) noexcept
{
	while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
	while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\r' || s.back() == '\n')) s.remove_suffix(1);
	return s;
}

} // namespace

const char *format_name(Format format) noexcept
{
	switch (format) {
	case Format::wiglecsv: return "wiglecsv";
	case Format::kismet_2013: return "kismet-2013";
	case Format::airodump: return "airodump";
	case Format::unknown: break;
	}
	return nullptr;
}

Format format_of(std::string_view line) noexcept
{
	if (line.starts_with("WigleWifi-") || line.starts_with("MAC,SSID,")) return Format::wiglecsv;
	if (line.starts_with("Network;NetType;")) return Format::kismet_2013;
	if (line.starts_with("BSSID, First time seen") || line.starts_with("Station MAC, First time seen")) return Format::airodump;
	return Format::unknown;
}

bool is_column_line(std::string_view line) noexcept { return !line.starts_with("WigleWifi-"); }

char delimiter_of(Format format) noexcept { return format == Format::kismet_2013 ? ';' : ','; }

Columns::Columns(Format format, std::span<const std::string_view> titles) : count(titles.size())
{
	of.fill(none);
	for (std::size_t i = 0; i < titles.size(); ++i) {
		const std::string_view title = trimmed(titles[i]);
		for (const Named &n : names)
			if (n.format == format && devices::is_same_word(n.name, title) && of[static_cast<std::size_t>(n.want)] == none)
				of[static_cast<std::size_t>(n.want)] = i;
		if (format == Format::wiglecsv && (title == "RCOIs" || title == "MfgrId")) {
			if (optional == none) optional = i;
			if (i == optional + optionals) ++optionals; // they stand together
		}
		if (title == "Station MAC") stations = true;
		if (title == "Probed ESSIDs") wide = i;
	}
	if (!stations) wide = of[static_cast<std::size_t>(Want::ssid)];
	if (!has(Want::mac)) count = 0;
}

const Columns::Map *Columns::map(std::size_t n)
{
	if (n != mapped_n) {
		mapped = make(n);
		mapped_n = n;
	}
	return mapped ? &*mapped : nullptr;
}

std::optional<Columns::Map> Columns::make(std::size_t n) const
{
	std::size_t left_out = 0, extra = 0;
	if (n < count) left_out = count - n;
	else extra = n - count;
	if (left_out == 1 && stations) left_out = 0; // a station that probed for nothing
	if (left_out > optionals || (extra > 0 && wide == none)) return {};
	const std::size_t out_from = optionals > 0 ? optional + optionals - left_out : none; // the last ones of them

	Map m;
	for (std::size_t w = 0; w < of.size(); ++w) {
		const std::size_t c = of[w];
		if (c == none || (left_out > 0 && c >= out_from && c < out_from + left_out)) continue;
		std::size_t first = c, last = c;
		if (extra > 0 && c >= wide) last += extra;
		if (extra > 0 && c > wide) first += extra;
		if (left_out > 0 && c >= out_from + left_out) first = last = c - left_out;
		if (first < n) m[w] = {first, last};
	}
	return m;
}

} // namespace csv
