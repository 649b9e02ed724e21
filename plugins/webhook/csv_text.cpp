#include "csv_text.hpp"

#include <patchbay/json.hpp>

#include <fmt/format.h>

#include <array>
#include <span>

namespace webhook {

namespace {
/// A column: its name, and the way to its value.
struct Column {
	const char *name, *member, *within; // within: a member of that member; null: none
};

constexpr std::array device_columns{Column{"mac", "mac", nullptr}, Column{"name", "name", nullptr}, Column{"firstSeen", "firstSeen", nullptr},
	Column{"lastSeen", "lastSeen", nullptr}, Column{"manufacturer", "manufacturer", nullptr}, Column{"type", "type", nullptr},
	Column{"channel", "channel", nullptr}, Column{"frequency", "frequency", nullptr}, Column{"packets", "packets", nullptr},
	Column{"dataBytes", "dataBytes", nullptr}, Column{"signalLast", "signal", "last"}, Column{"signalMin", "signal", "min"},
	Column{"signalMax", "signal", "max"}, Column{"lat", "location", "lat"}, Column{"lon", "location", "lon"}, Column{"alt", "location", "alt"},
	Column{"accuracy", "location", "accuracy"}};
constexpr std::array network_columns{Column{"ssid", "ssid", nullptr}, Column{"bssid", "bssid", nullptr}, Column{"channel", "channel", nullptr},
	Column{"frequency", "frequency", nullptr}, Column{"encryption", "encryption", nullptr}, Column{"firstSeen", "firstSeen", nullptr},
	Column{"lastSeen", "lastSeen", nullptr}, Column{"clients", "clients", nullptr}, Column{"packets", "packets", nullptr},
	Column{"signalLast", "signal", "last"}, Column{"signalMin", "signal", "min"}, Column{"signalMax", "signal", "max"}};
constexpr std::array alert_columns{Column{"id", "id", nullptr}, Column{"type", "type", nullptr}, Column{"severity", "severity", nullptr},
	Column{"timestamp", "timestamp", nullptr}, Column{"message", "message", nullptr}, Column{"source", "details", "source"}, Column{"dest", "details", "dest"},
	Column{"channel", "details", "channel"}, Column{"additional", "details", "additional"}};

void append_cell(std::string &out, std::string_view text)
{
	if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
		out += text;
		return;
	}
	out += '"';
	for (const char c : text) {
		if (c == '"') out += '"';
		out += c;
	}
	out += '"';
}

void append_value(std::string &out, const json_t *value)
{
	if (!value || json_is_null(value)) return;
	if (json_is_string(value)) return append_cell(out, pb::text_of(value));
	append_cell(out, pb::Json::share(value).text());
}

void append_section(std::string &out, const char *name, const json_t *rows, std::span<const Column> columns)
{
	if (!json_is_array(rows)) return;
	if (!out.empty()) out += "\r\n";
	out += name;
	out += "\r\n";
	for (const Column &c : columns) {
		if (&c != columns.data()) out += ',';
		out += c.name;
	}
	out += "\r\n";
	std::size_t i;
	json_t *row;
	json_array_foreach(const_cast<json_t *>(rows), i, row) {
		for (const Column &c : columns) {
			if (&c != columns.data()) out += ',';
			const json_t *value = pb::at(row, c.member);
			append_value(out, c.within ? pb::at(value, c.within) : value);
		}
		out += "\r\n";
	}
}
} // namespace

std::string csv_text(const json_t *data)
{
	std::string out;
	append_section(out, "devices", pb::at(data, "devices"), device_columns);
	append_section(out, "networks", pb::at(data, "networks"), network_columns);
	append_section(out, "alerts", pb::at(data, "alerts"), alert_columns);
	return out;
}

} // namespace webhook
