#include "kismet/record.hpp"

#include "devices/text.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace kismet {
namespace {

/// A field by its path: under the alias, under its last name, or where the path leads.
const json_t *find(const json_t *object, const char *alias, std::string_view path) noexcept
{
	if (alias) {
		if (const json_t *j = pb::at(object, alias)) return j;
	}
	const auto member = [](const json_t *o, std::string_view name) { return json_object_getn(o, name.data(), name.size()); };
	for (std::string_view rest = path;;) { // "a/b/c": also "b/c" and "c" at the top, as replies have them
		const json_t *j = object;
		for (std::string_view part = rest; j && !part.empty();) {
			const std::size_t n = part.find('/');
			j = member(j, part.substr(0, n));
			part = n == std::string_view::npos ? std::string_view() : part.substr(n + 1);
		}
		if (j) return j;
		const std::size_t n = rest.find('/');
		if (n == std::string_view::npos) return nullptr;
		rest.remove_prefix(n + 1);
	}
}

std::int64_t whole(const json_t *j, std::int64_t fallback = 0) noexcept
{
	if (json_is_integer(j)) return json_integer_value(j);
	if (!json_is_real(j)) return fallback;
	const double v = json_real_value(j);
	return std::fabs(v) < 9e18 ? static_cast<std::int64_t>(v) : fallback;
}

/// Unix seconds that a clock could show, as milliseconds.
std::int64_t ms_of(std::int64_t seconds) noexcept { return std::clamp<std::int64_t>(seconds, 0, 253'402'300'799) * 1000; }

/// Texts that strangers choose have a bound here, and so has all that is made of them.
std::string text(const json_t *j, std::size_t most = 256) { return std::string(pb::text_of(j).substr(0, most)); }

int dbm_of(const json_t *j) noexcept { return static_cast<int>(std::clamp<std::int64_t>(whole(j), -512, 512)); }

std::string channel_of(const json_t *j)
{
	std::string out = json_is_integer(j) ? std::to_string(json_integer_value(j)) : text(j);
	if (out == "0") out.clear();
	return out;
}

std::optional<devices::Place> place_of(const json_t *object)
{
	const std::string_view last = "kismet.device.base.location/kismet.common.location.last/";
	const auto at = [&](const char *alias, const char *name) { return find(object, alias, std::string(last) + name); };
	const json_t *point = at("geopoint", "kismet.common.location.geopoint");
	if (json_array_size(point) != 2 || !json_is_number(json_array_get(point, 0)) || !json_is_number(json_array_get(point, 1))) return {};
	const double lon = json_number_value(json_array_get(point, 0)), lat = json_number_value(json_array_get(point, 1));
	const json_t *fix = at("fix", "kismet.common.location.fix");
	const std::int64_t mode = fix ? whole(fix) : 2;
	if (mode < 2 || (lat == 0 && lon == 0) || !(std::fabs(lat) <= 90) || !(std::fabs(lon) <= 180)) return {};
	devices::Place place{lat, lon, {}, {}};
	const json_t *alt = at("alt", "kismet.common.location.alt");
	if (json_is_number(alt) && (mode == 3 || !fix)) place.alt = json_number_value(alt);
	return place;
}

devices::Signal signal_of(const json_t *object) noexcept
{
	const json_t *type = find(object, nullptr, "kismet.device.base.signal/kismet.common.signal.type");
	if (json_is_string(type) && pb::text_of(type) != "dbm") return {}; // another unit, or none
	return {dbm_of(find(object, "last_signal", "kismet.device.base.signal/kismet.common.signal.last_signal")),
		dbm_of(find(object, "min_signal", "kismet.device.base.signal/kismet.common.signal.min_signal")),
		dbm_of(find(object, "max_signal", "kismet.device.base.signal/kismet.common.signal.max_signal"))};
}

std::string first_of(std::initializer_list<std::string_view> texts)
{
	for (const std::string_view t : texts)
		if (!t.empty()) return std::string(t.substr(0, 256));
	return {};
}

} // namespace

std::optional<DeviceRecord> read_device(const json_t *o)
{
	const std::string_view mac = pb::text_at(o, "kismet.device.base.macaddr");
	const auto number = devices::parse_mac(mac);
	if (!number) return {};
	DeviceRecord r;
	r.mac = *number;
	devices::Device &d = r.device;
	d.mac = devices::upper_mac(mac);
	d.key = first_of({pb::text_at(o, "kismet.device.base.key"), pb::text_at(o, "kismet.device.base.phyname")});
	d.ssid = text(find(o, "ssid", "dot11.device/dot11.device.last_beaconed_ssid_record/dot11.advertisedssid.ssid"));
	d.name = first_of({pb::text_at(o, "kismet.device.base.commonname"), pb::text_at(o, "kismet.device.base.name"), d.ssid});
	d.manufacturer = text(pb::at(o, "kismet.device.base.manuf"));
	const std::string_view type = pb::text_at(o, "kismet.device.base.type");
	d.type = devices::contract_type(type.substr(0, 64));
	d.is_network = type == "Wi-Fi AP" || type == "Wi-Fi Ad-Hoc";
	d.channel = channel_of(pb::at(o, "kismet.device.base.channel"));
	d.encryption = text(pb::at(o, "kismet.device.base.crypt"));
	r.last_time = whole(pb::at(o, "kismet.device.base.last_time"));
	r.mod_time = whole(pb::at(o, "kismet.device.base.mod_time"));
	d.first_seen_ms = ms_of(whole(pb::at(o, "kismet.device.base.first_time")));
	d.last_seen_ms = ms_of(r.last_time);
	d.frequency_khz = whole(pb::at(o, "kismet.device.base.frequency"));
	d.packets = whole(pb::at(o, "kismet.device.base.packets.total"));
	d.data_bytes = whole(pb::at(o, "kismet.device.base.datasize"));
	d.clients = whole(find(o, "clients", "dot11.device/dot11.device.num_associated_clients"));
	d.signal = signal_of(o);
	d.place = place_of(o);
	return r;
}

std::optional<devices::Alert> read_alert(const json_t *o)
{
	devices::Alert a;
	a.type = text(pb::at(o, "kismet.alert.header"));
	if (a.type.empty()) return {};
	a.time = std::clamp(pb::number_at(o, "kismet.alert.timestamp").value_or(0), 0.0, 253'402'300'799.0);
	a.message = text(pb::at(o, "kismet.alert.text"), 4096);
	a.severity = static_cast<int>(std::clamp<std::int64_t>(whole(pb::at(o, "kismet.alert.severity")), 0, 100));
	a.group = text(pb::at(o, "kismet.alert.class"));
	a.source = text(pb::at(o, "kismet.alert.source_mac"));
	a.dest = text(pb::at(o, "kismet.alert.dest_mac"));
	a.transmitter = text(pb::at(o, "kismet.alert.transmitter_mac"));
	a.channel = channel_of(pb::at(o, "kismet.alert.channel"));
	// Kismet's hash is of the one alert, with its time. Without it the time and the text must do.
	const json_t *hash = pb::at(o, "kismet.alert.hash");
	a.id = json_is_integer(hash)
			   ? std::to_string(json_integer_value(hash))
			   : a.type + "-" + std::to_string(std::llround(a.time * 1000)) + "-" + std::to_string(std::hash<std::string>()(a.message) % 100'000);
	return a;
}

std::optional<Message> read_message(const json_t *o)
{
	Message m;
	m.text = text(pb::at(o, "kismet.messagebus.message_string"), 1024);
	if (m.text.empty()) return {};
	m.time = std::clamp(pb::number_at(o, "kismet.messagebus.message_time").value_or(0), 0.0, 253'402'300'799.0);
	const std::int64_t flags = whole(pb::at(o, "kismet.messagebus.message_flags"));
	m.level = (flags & 16) != 0 ? "fatal" : (flags & 8) != 0 ? "alert" : (flags & 4) != 0 ? "error" : (flags & 2) != 0 ? "info" : "debug";
	return m;
}

std::optional<Source> read_source(const json_t *o)
{
	const auto member = [&](const char *name) { return pb::at(o, (std::string("kismet.datasource.") + name).c_str()); };
	Source s;
	s.name = text(member("name"));
	s.interface = first_of({pb::text_of(member("capture_interface")), pb::text_of(member("interface"))});
	if (s.name.empty() && s.interface.empty()) return {};
	s.type = text(find(o, nullptr, "kismet.datasource.type_driver/kismet.datasource.driver.type"));
	s.channel = channel_of(member("channel"));
	s.is_running = whole(member("running")) != 0 || json_is_true(member("running"));
	if (whole(member("error")) != 0 || json_is_true(member("error"))) s.error = first_of({pb::text_of(member("error_reason")), "error"});
	s.packets = whole(member("num_packets"));
	return s;
}

std::optional<Status> read_status(const json_t *o)
{
	Status s;
	s.version = text(pb::at(o, "kismet.system.version"));
	s.server_id = text(pb::at(o, "kismet.server.uuid"));
	s.server_name = text(pb::at(o, "kismet.system.server_name"));
	s.started = whole(pb::at(o, "kismet.system.timestamp.start_sec"));
	s.now = whole(pb::at(o, "kismet.system.timestamp.sec"));
	s.devices = whole(pb::at(o, "kismet.system.devices.count"), -1);
	if (s.version.empty() && s.devices < 0) return {};
	return s;
}

const char *poll_body() noexcept
{
	return R"({"fields":["kismet.device.base.key","kismet.device.base.macaddr","kismet.device.base.phyname","kismet.device.base.name",)"
		   R"("kismet.device.base.commonname","kismet.device.base.type","kismet.device.base.manuf","kismet.device.base.channel",)"
		   R"("kismet.device.base.frequency","kismet.device.base.crypt","kismet.device.base.first_time","kismet.device.base.last_time",)"
		   R"("kismet.device.base.mod_time","kismet.device.base.packets.total","kismet.device.base.datasize",)"
		   R"(["kismet.device.base.signal/kismet.common.signal.last_signal","last_signal"],)"
		   R"(["kismet.device.base.signal/kismet.common.signal.min_signal","min_signal"],)"
		   R"(["kismet.device.base.signal/kismet.common.signal.max_signal","max_signal"],)"
		   R"(["kismet.device.base.location/kismet.common.location.last/kismet.common.location.geopoint","geopoint"],)"
		   R"(["kismet.device.base.location/kismet.common.location.last/kismet.common.location.alt","alt"],)"
		   R"(["kismet.device.base.location/kismet.common.location.last/kismet.common.location.fix","fix"],)"
		   R"(["dot11.device/dot11.device.last_beaconed_ssid_record/dot11.advertisedssid.ssid","ssid"],)"
		   R"(["dot11.device/dot11.device.num_associated_clients","clients"]]})";
}

} // namespace kismet
