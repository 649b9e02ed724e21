#include "devices/device.hpp"

#include "devices/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace devices {
namespace {

void append_dbm(std::string &out, int dbm)
{
	if (dbm == 0) out += "null";
	else append_integer(out, dbm);
}

void append_signal(std::string &out, const Signal &s)
{
	out += "\"signal\":{\"last\":";
	append_dbm(out, s.last);
	out += ",\"min\":";
	append_dbm(out, s.min);
	out += ",\"max\":";
	append_dbm(out, s.max);
	out += '}';
}

void append_place(std::string &out, const std::optional<Place> &place)
{
	if (!place) {
		out += "null";
		return;
	}
	out += "{\"lat\":";
	append_number(out, place->lat);
	out += ",\"lon\":";
	append_number(out, place->lon);
	out += ",\"alt\":";
	append_number_or_null(out, place->alt);
	out += ",\"accuracy\":";
	append_number_or_null(out, place->accuracy);
	out += '}';
}

void append_times(std::string &out, const Device &d)
{
	out += ",\"firstSeen\":";
	append_time_or_null(out, d.first_seen_ms);
	out += ",\"lastSeen\":";
	append_time_or_null(out, d.last_seen_ms);
}

} // namespace

void Signal::add(int dbm) noexcept
{
	if (dbm == 0) return;
	min = min == 0 ? dbm : std::min(min, dbm);
	max = max == 0 ? dbm : std::max(max, dbm);
	last = dbm;
}

std::string_view contract_type(std::string_view type) noexcept
{
	constexpr std::array<std::pair<std::string_view, std::string_view>, 5> words{{
		{"Wi-Fi AP", "Access Point"},
		{"Wi-Fi Ad-Hoc", "Ad-Hoc Device"},
		{"Bluetooth", "Bluetooth Device"},
		{"BLE", "Bluetooth LE"},
		{"UAV", "Drone/UAV"},
	}};
	for (const auto &[theirs, ours] : words)
		if (is_same_word(type, theirs)) return ours;
	return type.empty() ? "Unknown" : type;
}

std::string_view encryption_class(std::string_view encryption) noexcept
{
	constexpr std::array<std::pair<std::string_view, std::string_view>, 8> classes{{
		{"wpa3", "WPA3"},
		{"sae", "WPA3"},
		{"wpa2", "WPA2"},
		{"wpa", "WPA"},
		{"wep", "WEP"},
		{"owe", "OWE"},
		{"open", "Open"},
		{"none", "Open"},
	}};
	for (const auto &[word, name] : classes)
		if (has_word(encryption, word)) return name;
	return "Unknown";
}

void append_device(std::string &out, const Device &d)
{
	out += "{\"mac\":";
	append_quoted(out, d.mac);
	out += ",\"name\":";
	append_quoted(out, d.name.empty() ? d.mac : d.name);
	append_times(out, d);
	out += ",\"manufacturer\":";
	append_quoted(out, d.manufacturer.empty() ? "Unknown" : std::string_view(d.manufacturer));
	out += ",\"type\":";
	append_quoted(out, d.type.empty() ? "Unknown" : std::string_view(d.type));
	out += ",\"channel\":";
	append_quoted_or_null(out, d.channel);
	out += ",\"frequency\":";
	if (d.frequency_khz == 0) out += "null";
	else append_integer(out, d.frequency_khz);
	out += ",\"packets\":";
	append_integer(out, d.packets);
	out += ",\"dataBytes\":";
	append_integer(out, d.data_bytes);
	out += ',';
	append_signal(out, d.signal);
	out += ",\"location\":";
	append_place(out, d.place);
	out += '}';
}

void append_network(std::string &out, const Device &d)
{
	out += "{\"ssid\":";
	append_quoted(out, d.ssid.empty() ? "<Hidden>" : std::string_view(d.ssid));
	out += ",\"bssid\":";
	append_quoted(out, d.mac);
	out += ",\"channel\":";
	append_quoted_or_null(out, d.channel);
	out += ",\"frequency\":";
	if (d.frequency_khz == 0) out += "null";
	else append_number(out, static_cast<double>(d.frequency_khz) / 1000);
	out += ",\"encryption\":";
	append_quoted(out, d.encryption.empty() ? "Unknown" : std::string_view(d.encryption));
	append_times(out, d);
	out += ",\"clients\":";
	append_integer(out, d.clients);
	out += ",\"packets\":";
	append_integer(out, d.packets);
	out += ',';
	append_signal(out, d.signal);
	out += '}';
}

} // namespace devices
