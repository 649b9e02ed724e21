// The table of alerts.
#include <devices/alerts.hpp>
#include <patchbay/json.hpp>

#include <CppUTest/TestHarness.h>

using namespace devices;

TEST_GROUP(DeviceAlerts)
{
	Alerts alerts{5};
	Alert alert(const char *id, double time, int severity = 10)
	{
		Alert a;
		a.id = id;
		a.type = "BCASTDISCON";
		a.time = time;
		a.severity = severity;
		a.message = std::string("deauthentication ") + id;
		a.source = "00:17:F2:00:00:00";
		a.dest = "FF:FF:FF:FF:FF:FF";
		a.group = "DENIAL";
		return a;
	}
	std::string ids(const Page &page)
	{
		const pb::Json j = pb::Json::parse("[" + page.items + "]");
		CHECK_TEXT(j, "not JSON");
		std::string out;
		for (std::size_t i = 0; i < json_array_size(j.get()); ++i) out += pb::text_at(json_array_get(j.get(), i), "id");
		return out;
	}
};

TEST(DeviceAlerts, IsTheContractsA)
{
	std::string out;
	append_alert(out, alert("7", 1795557517.908103));
	STRCMP_EQUAL("{\"id\":\"7\",\"type\":\"BCASTDISCON\",\"severity\":\"medium\",\"timestamp\":\"2026-11-24T21:58:37.908Z\",\"message\":\"deauthentication 7\","
				 "\"details\":{\"source\":\"00:17:F2:00:00:00\",\"dest\":\"FF:FF:FF:FF:FF:FF\",\"channel\":null,\"additional\":{\"class\":\"DENIAL\","
				 "\"transmitter\":null}}}",
		out.c_str());
}

TEST(DeviceAlerts, SeverityIsTheNearestWord)
{
	CHECK(severity_word(0) == "info");
	CHECK(severity_word(2) == "info");
	CHECK(severity_word(3) == "low");
	CHECK(severity_word(5) == "low");
	CHECK(severity_word(10) == "medium");
	CHECK(severity_word(15) == "high");
	CHECK(severity_word(20) == "critical");
	CHECK(severity_word(99) == "critical");
	CHECK(severity_word(-5) == "info");
}

TEST(DeviceAlerts, KnownOnesAreNotPutInAgain)
{
	CHECK(alerts.put(alert("a", 1)));
	CHECK(alerts.put(alert("b", 1)));
	CHECK(!alerts.put(alert("a", 1)));
	CHECK(alerts.put(alert("a", 2)));
	CHECK_EQUAL(3u, alerts.size());
}

TEST(DeviceAlerts, AreBoundedAndTheOldestGo)
{
	for (int i = 0; i < 8; ++i) alerts.put(alert(std::to_string(i).c_str(), i));
	CHECK_EQUAL(5u, alerts.size());
	CHECK_EQUAL(3u, alerts.evicted());
	CHECK(!alerts.put(alert("old", 0.5)));
	CHECK_EQUAL(5u, alerts.size());
	STRCMP_EQUAL("76", ids({alerts.newest(2).substr(1, alerts.newest(2).size() - 2), 0, {}}).c_str());
}

TEST(DeviceAlerts, AreListedByTimeOrSeverityInPages)
{
	alerts.put(alert("a", 1, 20));
	alerts.put(alert("b", 3, 0));
	alerts.put(alert("c", 2, 5));
	alerts.put(alert("d", 2, 5));
	Query q;
	q.sort = "-timestamp";
	STRCMP_EQUAL("bdca", ids(*alerts.list(q)).c_str());
	q.sort = "severity";
	STRCMP_EQUAL("bcda", ids(*alerts.list(q)).c_str());
	for (const char *sort : {"timestamp", "-timestamp", "severity", "-severity"}) {
		q = {};
		q.sort = sort;
		const std::string whole = ids(*alerts.list(q));
		std::string paged;
		q.limit = 1;
		do {
			const Page page = *alerts.list(q);
			CHECK_EQUAL(4u, page.total);
			paged += ids(page);
			q.cursor = page.next;
		} while (!q.cursor.empty());
		STRCMP_EQUAL(whole.c_str(), paged.c_str());
	}
	q = {};
	q.since_ms = 2000;
	CHECK_EQUAL(3u, alerts.list(q)->total);
	q = {};
	q.q = "TION C";
	STRCMP_EQUAL("c", ids(*alerts.list(q)).c_str());
	q.q = "00:17:f2";
	CHECK_EQUAL(4u, alerts.list(q)->total);
	q.type = "other";
	CHECK_EQUAL(0u, alerts.list(q)->total);
	q = {};
	q.cursor = "zz";
	CHECK(!alerts.list(q));
}
