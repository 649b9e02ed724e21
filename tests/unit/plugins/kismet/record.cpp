// Kismet's objects as values: from the recorded session, in each of the shapes that its fields come in.
#include <kismet/intake.hpp>
#include <kismet/record.hpp>

#include <CppUTest/TestHarness.h>

#include <zlib.h>

#include <map>

using namespace kismet;

namespace {
/// The recorded session, a line each.
std::vector<pb::Json> session()
{
	gzFile f = gzopen(TEST_DATA "/kismet/session.jsonl.gz", "rb");
	CHECK_TEXT(f, "no recorded session");
	std::string text;
	char buffer[65536];
	for (int n; (n = gzread(f, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
	gzclose(f);
	std::vector<pb::Json> lines;
	for (std::size_t at = 0; at < text.size();) {
		const std::size_t end = text.find('\n', at);
		lines.push_back(pb::Json::parse(std::string_view(text).substr(at, end - at)));
		at = end + 1;
	}
	return lines;
}
std::optional<DeviceRecord> device(const char *text) { return read_device(pb::Json::parse(text).get()); }
} // namespace

TEST_GROUP(KismetRecord){};

TEST(KismetRecord, EveryRecordedDeviceIsReadFromEventsAndPollsAlike)
{
	std::size_t events = 0, polls = 0;
	std::map<std::string, devices::Device> seen;
	for (const pb::Json &line : session()) {
		const json_t *data = pb::at(line.get(), "data");
		if (const json_t *event = pb::at(data, "NEW_DEVICE")) {
			const auto r = read_device(event);
			CHECK(r.has_value());
			++events;
			CHECK(r->last_time >= 1763900000 && r->last_time < 1763900040);
			CHECK(r->mod_time > 1795557000);
			seen[r->device.key] = r->device;
		}
		if (pb::text_at(line.get(), "kind") != "reply" || !pb::text_at(line.get(), "request").starts_with("POST")) continue;
		for (std::size_t i = 0; i < json_array_size(data); ++i) {
			const auto r = read_device(json_array_get(data, i));
			CHECK(r.has_value());
			++polls;
			seen[r->device.key] = r->device;
		}
	}
	CHECK_EQUAL(141u, events);
	CHECK_EQUAL(368u, polls);
	CHECK_EQUAL(141u, seen.size());
	const devices::Device &d = seen.at("4202770D00000000_F21700");
	STRCMP_EQUAL("00:17:F2:00:00:00", d.mac.c_str());
	STRCMP_EQUAL("FieldNet", d.name.c_str());
	STRCMP_EQUAL("FieldNet", d.ssid.c_str());
	STRCMP_EQUAL("Access Point", d.type.c_str());
	STRCMP_EQUAL("Apple, Inc.", d.manufacturer.c_str());
	CHECK(d.is_network);
	CHECK_EQUAL(2437000, d.frequency_khz);
	CHECK(d.signal == (devices::Signal{-50, -66, -50}));
	DOUBLES_EQUAL(47.37, d.place->lat, 0);
	DOUBLES_EQUAL(8.54, d.place->lon, 0);
	DOUBLES_EQUAL(410, *d.place->alt, 0);
	CHECK_EQUAL(1763900000000, d.first_seen_ms);
}

TEST(KismetRecord, FieldsComeNestedOrUnderTheirLastNamesOrUnderAliases)
{
	const char *nested = R"({"kismet.device.base.macaddr":"aa:bb:cc:00:00:01","kismet.device.base.key":"k","kismet.device.base.type":"Wi-Fi AP",
		"kismet.device.base.signal":{"kismet.common.signal.type":"dbm","kismet.common.signal.last_signal":-50,"kismet.common.signal.min_signal":-60,"kismet.common.signal.max_signal":-40},
		"kismet.device.base.location":{"kismet.common.location.last":{"kismet.common.location.geopoint":[8.5,47.5],"kismet.common.location.alt":400,"kismet.common.location.fix":3}},
		"dot11.device":{"dot11.device.num_associated_clients":7,"dot11.device.last_beaconed_ssid_record":{"dot11.advertisedssid.ssid":"net"}}})";
	const char *last_names = R"({"kismet.device.base.macaddr":"AA:BB:CC:00:00:01","kismet.device.base.key":"k","kismet.device.base.type":"Wi-Fi AP",
		"kismet.common.signal.last_signal":-50,"kismet.common.signal.min_signal":-60,"kismet.common.signal.max_signal":-40,
		"kismet.common.location.last":{"kismet.common.location.geopoint":[8.5,47.5],"kismet.common.location.alt":400,"kismet.common.location.fix":3},
		"dot11.device.num_associated_clients":7,"dot11.device.last_beaconed_ssid_record":{"dot11.advertisedssid.ssid":"net"}})";
	const char *aliases = R"({"kismet.device.base.macaddr":"AA:BB:CC:00:00:01","kismet.device.base.key":"k","kismet.device.base.type":"Wi-Fi AP",
		"last_signal":-50,"min_signal":-60,"max_signal":-40,"geopoint":[8.5,47.5],"alt":400,"fix":3,"clients":7,"ssid":"net"})";
	const auto a = device(nested), b = device(last_names), c = device(aliases);
	CHECK(a.has_value() && b.has_value() && c.has_value());
	CHECK(a->device == b->device);
	CHECK(a->device == c->device);
	CHECK_EQUAL(7, a->device.clients);
	STRCMP_EQUAL("net", a->device.name.c_str());
	DOUBLES_EQUAL(47.5, a->device.place->lat, 0);
}

TEST(KismetRecord, ZeroWhereAnObjectShouldBeIsUnknown)
{
	const auto r = device(R"({"kismet.device.base.macaddr":"AA:BB:CC:00:00:01","kismet.device.base.signal":0,"kismet.device.base.location":0,"dot11.device":0,
		"geopoint":0,"ssid":0,"clients":0,"alt":0,"fix":0,"kismet.device.base.channel":0,"kismet.device.base.manuf":0,"kismet.device.base.last_time":"x"})");
	CHECK(r.has_value());
	CHECK(r->device.signal == devices::Signal{});
	CHECK(!r->device.place);
	STRCMP_EQUAL("", r->device.channel.c_str());
	STRCMP_EQUAL("Unknown", r->device.type.c_str());
	CHECK_EQUAL(0, r->device.last_seen_ms);
}

TEST(KismetRecord, APlaceNeedsAFixAndNumbers)
{
	for (const char *none : {R"("geopoint":[0,0],"fix":0)", R"("geopoint":[8.5,47.5],"fix":0)", R"("geopoint":[0,0],"fix":3)", R"("geopoint":[8.5],"fix":3)",
			 R"("geopoint":["8","47"],"fix":3)", R"("geopoint":[8.5,147.5],"fix":3)", R"("geopoint":{},"fix":3)"}) {
		const auto r = device((std::string(R"({"kismet.device.base.macaddr":"AA:BB:CC:00:00:01",)") + none + "}").c_str());
		CHECK_TEXT(!r->device.place, none);
	}
	const auto flat = device(R"({"kismet.device.base.macaddr":"AA:BB:CC:00:00:01","geopoint":[8.5,47.5],"fix":2,"alt":400})");
	CHECK(flat->device.place && !flat->device.place->alt);
}

TEST(KismetRecord, SignalsOfAnotherUnitAreUnknown)
{
	const auto r = device(
		R"({"kismet.device.base.macaddr":"AA:BB:CC:00:00:01","kismet.device.base.signal":{"kismet.common.signal.type":"rssi","kismet.common.signal.last_signal":50}})");
	CHECK(r->device.signal == devices::Signal{});
}

TEST(KismetRecord, HostileValuesHaveBounds)
{
	CHECK(!device("{}"));
	CHECK(!device("[]"));
	CHECK(!device("7"));
	CHECK(!device(R"({"kismet.device.base.macaddr":"nonsense"})"));
	CHECK(!read_device(nullptr));
	const auto r =
		device((R"({"kismet.device.base.macaddr":"AA:BB:CC:00:00:01","kismet.device.base.commonname":")" + std::string(5000, 'x') +
				R"(","kismet.device.base.last_time":1e300,"kismet.device.base.first_time":-5,"last_signal":-1e18,"kismet.device.base.frequency":1e400})")
				   .c_str());
	CHECK(!r); // 1e400 is no JSON number to jansson
	const auto s = device((R"({"kismet.device.base.macaddr":"AA:BB:CC:00:00:01","kismet.device.base.commonname":")" + std::string(5000, 'x') +
						   R"(","kismet.device.base.last_time":9e17,"kismet.device.base.first_time":-5,"last_signal":-1e18})")
							  .c_str());
	CHECK(s.has_value());
	CHECK_EQUAL(256u, s->device.name.size());
	CHECK_EQUAL(0, s->device.first_seen_ms);
	CHECK_EQUAL(-512, s->device.signal.last);
	CHECK_EQUAL(253402300799000, s->device.last_seen_ms);
}

TEST(KismetRecord, OneMacOnTwoPhysHasTwoKeys)
{
	const auto a = device(R"({"kismet.device.base.macaddr":"AA:BB:CC:00:00:01","kismet.device.base.phyname":"IEEE802.11"})");
	const auto b = device(R"({"kismet.device.base.macaddr":"AA:BB:CC:00:00:01","kismet.device.base.phyname":"Bluetooth"})");
	CHECK_EQUAL(a->mac, b->mac);
	CHECK(a->device.key != b->device.key);
}

TEST(KismetRecord, AlertsMessagesSourcesAndStatusAreRead)
{
	std::size_t alerts = 0, messages = 0, sources = 0, statuses = 0;
	for (const pb::Json &line : session()) {
		const json_t *data = pb::at(line.get(), "data");
		const std::string_view request = pb::text_at(line.get(), "request");
		if (const json_t *j = pb::at(data, "ALERT")) {
			const auto a = read_alert(j);
			CHECK(a.has_value());
			STRCMP_EQUAL("BCASTDISCON", a->type.c_str());
			STRCMP_EQUAL("105453365", a->id.c_str());
			CHECK_EQUAL(10, a->severity);
			STRCMP_EQUAL("", a->channel.c_str());
			++alerts;
		}
		if (const json_t *j = pb::at(data, "MESSAGE")) {
			const auto m = read_message(j);
			CHECK(m && !m->text.empty() && m->time > 1795557000);
			++messages;
		}
		if (request == "GET /datasource/all_sources.json") {
			const auto s = read_source(json_array_get(data, 0));
			CHECK(s && s->is_running && s->error.empty());
			STRCMP_EQUAL("/data/air.pcap", s->interface.c_str());
			++sources;
		}
		if (request == "GET /system/status.json") {
			const auto s = read_status(data);
			CHECK(s && s->devices > 0 && s->started > 0 && s->now > s->started && !s->server_id.empty());
			STRCMP_EQUAL("2026.11.0-non-git-release", s->version.c_str());
			++statuses;
		}
	}
	CHECK_EQUAL(1u, alerts);
	CHECK_EQUAL(192u, messages);
	CHECK_EQUAL(4u, sources);
	CHECK_EQUAL(4u, statuses);
	CHECK(!read_status(pb::Json::parse("{}").get()));
	CHECK(!read_status(pb::Json::parse("[]").get()));
	CHECK(!read_alert(pb::Json::parse("{}").get()));
	CHECK(!read_message(pb::Json::parse("{}").get()));
	CHECK(!read_source(pb::Json::parse("{}").get()));
	const auto failed =
		read_source(pb::Json::parse(R"({"kismet.datasource.name":"wlan2","kismet.datasource.capture_interface":"wlan2mon","kismet.datasource.channel":"6HT40",
		"kismet.datasource.error":1,"kismet.datasource.error_reason":"interface vanished"})")
						.get());
	STRCMP_EQUAL("wlan2mon", failed->interface.c_str());
	STRCMP_EQUAL("6HT40", failed->channel.c_str());
	STRCMP_EQUAL("interface vanished", failed->error.c_str());
}

TEST(KismetRecord, EventsAndWrappedListsAreTaken)
{
	Taken t;
	take_event(R"({"NEW_DEVICE":{"kismet.device.base.macaddr":"AA:BB:CC:00:00:01"}})", t);
	take_event(R"({"ALERT":{"kismet.alert.header":"X"}})", t);
	take_event(R"({"TIMESTAMP":{}})", t);
	take_event("no json", t);
	take_event(R"({"NEW_DEVICE":0})", t);
	take_object(What::messages, R"({"kismet.messagebus.list":[{"kismet.messagebus.message_string":"a"},{"kismet.messagebus.message_string":"b"}]})", t);
	CHECK_EQUAL(1u, t.devices.size());
	CHECK_EQUAL(1u, t.alerts.size());
	CHECK_EQUAL(2u, t.messages.size());
	CHECK_EQUAL(1u, t.odd);
}

TEST(KismetRecord, ThePollAsksForWhatIsRead)
{
	const pb::Json body = pb::Json::parse(poll_body());
	CHECK(body.get());
	CHECK_EQUAL(23u, json_array_size(pb::at(body.get(), "fields")));
}
