// Whole replies of the shared routes and methods.
#include <devices/replies.hpp>
#include <devices/summary.hpp>
#include <devices/text.hpp>

#include <patchbay/patchbay.hpp>

#include <CppUTest/TestHarness.h>

#include <fmt/format.h>

using namespace devices;

TEST_GROUP(DeviceReplies)
{
	devices::Table table{100};
	Alerts alerts{10};
	Replies replies{"kismet", table, &alerts};
	void put(int n, bool is_network, const char *key = "")
	{
		devices::Device d;
		d.mac = fmt::format("02:00:00:00:00:{:02X}", n);
		d.key = key;
		d.type = is_network ? "Access Point" : "Wi-Fi Client";
		d.is_network = is_network;
		d.encryption = is_network ? "WPA2" : "";
		d.first_seen_ms = n * 1000;
		d.last_seen_ms = n * 2000;
		d.signal.add(-40 - n);
		const auto mac = parse_mac(d.mac);
		table.put(*mac, std::move(d), 0);
	}
	pb::Json parsed(const std::string &text)
	{
		pb::Json j = pb::Json::parse(text);
		CHECK_TEXT(j, text.c_str());
		return j;
	}
};

TEST(DeviceReplies, ListsHaveTotalNextAndSource)
{
	STRCMP_EQUAL("{\"devices\":[],\"total\":0,\"next\":null,\"source\":\"kismet\"}", replies.devices({}).c_str());
	for (int i = 1; i <= 5; ++i) put(i, i % 2 == 0);
	Query q;
	q.limit = 2;
	const pb::Json page = parsed(replies.devices(q));
	CHECK_EQUAL(5, pb::integer_at(page.get(), "total"));
	CHECK_EQUAL(2u, json_array_size(pb::at(page.get(), "devices")));
	CHECK(!pb::text_at(page.get(), "next").empty());
	CHECK_EQUAL(2u, json_array_size(pb::at(parsed(replies.networks({})).get(), "networks")));
}

TEST(DeviceReplies, AreKeptUntilSomethingChanges)
{
	put(1, true);
	const std::string first = replies.devices({});
	put(2, true);
	CHECK(first != replies.devices({}));
	Query q;
	q.type = "Wi-Fi Client";
	CHECK_EQUAL(0, pb::integer_at(parsed(replies.devices(q)).get(), "total"));
	CHECK_EQUAL(2, pb::integer_at(parsed(replies.devices({})).get(), "total"));
}

TEST(DeviceReplies, DataHasTheAskedTypesAndTheSummary)
{
	for (int i = 1; i <= 5; ++i) put(i, i % 2 == 0);
	alerts.put({.id = "1", .type = "X", .time = 3});
	DataArgs args;
	args.type = "all";
	const pb::Json all = parsed(replies.data(args));
	CHECK_EQUAL(4u, json_object_size(all.get()));
	const json_t *summary = pb::at(all.get(), "summary");
	CHECK_EQUAL(5, pb::integer_at(summary, "totalDevices"));
	CHECK_EQUAL(2, pb::integer_at(summary, "totalNetworks"));
	CHECK_EQUAL(1, pb::integer_at(summary, "activeAlerts"));
	CHECK(pb::text_at(pb::at(summary, "dataRange"), "start") == "1970-01-01T00:00:01.000Z");
	CHECK(pb::text_at(pb::at(summary, "dataRange"), "end") == "1970-01-01T00:00:10.000Z");
	args.type = "networks";
	args.since = pb::UnixTime{8};
	const pb::Json networks = parsed(replies.data(args));
	CHECK_EQUAL(2u, json_object_size(networks.get()));
	CHECK_EQUAL(1u, json_array_size(pb::at(networks.get(), "networks")));
	args.type = "alerts";
	args.since = {};
	alerts.put({.id = "2", .type = "X", .time = 4});
	CHECK_EQUAL(2u, json_array_size(pb::at(parsed(replies.data(args)).get(), "alerts")));
}

TEST(DeviceReplies, ADeviceHasItsHistoryAndItsOthers)
{
	put(1, true, "wifi");
	const pb::Json alone = parsed(replies.device("02-00-00-00-00-01"));
	CHECK_EQUAL(1u, json_array_size(pb::at(alone.get(), "history")));
	CHECK(!pb::at(alone.get(), "others"));
	put(1, false, "bt");
	CHECK_EQUAL(1u, json_array_size(pb::at(parsed(replies.device("02:00:00:00:00:01")).get(), "others")));
	for (const char *none : {"02:00:00:00:00:09", "nonsense", ""}) {
		try {
			(void)replies.device(none);
			FAIL("found what is not there");
		} catch (const pb::Error &e) {
			CHECK_EQUAL(404, e.status);
		}
	}
}

TEST(DeviceReplies, ABadCursorIsAValidationError)
{
	Query q;
	q.cursor = "nonsense";
	try {
		(void)replies.devices(q);
		FAIL("took a cursor that is none");
	} catch (const pb::Error &e) {
		CHECK_EQUAL(400, e.status);
		STRCMP_EQUAL("VALIDATION_ERROR", e.code.c_str());
		CHECK(pb::text_at(json_array_get(e.details->get(), 0), "field") == "cursor");
	}
}

TEST(DeviceReplies, SummariesCannotBeGrownByStrangers)
{
	for (int i = 0; i < 90; ++i) {
		devices::Device d;
		d.mac = fmt::format("02:00:00:00:00:{:02X}", i);
		d.type = fmt::format("type-{}", i);
		d.last_seen_ms = 1;
		const auto mac = parse_mac(d.mac);
		table.put(*mac, std::move(d), 0);
	}
	const Summary s = summarise(table);
	CHECK_EQUAL(90u, s.devices);
	CHECK(s.by_type.size() <= 33);
	CHECK_EQUAL(58u, s.by_type.at("other"));
}
