// Lists: filters, sorts, pages. Every page put together is the whole list, in order, without a double.
#include <devices/list.hpp>
#include <devices/text.hpp>
#include <patchbay/json.hpp>

#include <CppUTest/TestHarness.h>

#include <fmt/format.h>

#include <algorithm>
#include <random>

using namespace devices;

TEST_GROUP(DeviceList)
{
	devices::Table table{1000};
	void setup() override
	{
		std::mt19937 dice(5);
		for (int i = 0; i < 137; ++i) {
			devices::Device d;
			d.mac = fmt::format("02:00:00:00:00:{:02X}", i);
			d.name = fmt::format("{}-{}", i % 3 == 0 ? "Net" : "phone", i / 2);
			d.is_network = i % 3 == 0;
			d.type = d.is_network ? "Access Point" : "Wi-Fi Client";
			d.manufacturer = i % 5 == 0 ? "Raspberry Pi Foundation" : "";
			d.first_seen_ms = static_cast<std::int64_t>(dice() % 50) * 1000;
			d.last_seen_ms = static_cast<std::int64_t>(dice() % 50) * 1000;
			d.packets = static_cast<std::int64_t>(dice() % 9);
			d.signal.add(-static_cast<int>(dice() % 20));
			const auto mac = parse_mac(d.mac);
			table.put(*mac, std::move(d), 0);
		}
	}
	std::vector<std::string> macs(const Page &page, const char *member = "mac")
	{
		const pb::Json j = pb::Json::parse("[" + page.items + "]");
		CHECK_TEXT(j, "the items are not JSON");
		std::vector<std::string> out;
		for (std::size_t i = 0; i < json_array_size(j.get()); ++i) out.emplace_back(pb::text_at(json_array_get(j.get(), i), member));
		return out;
	}
};

TEST(DeviceList, PagesOfEverySortAreTheWholeListOnce)
{
	for (const char *sort : {"lastSeen", "-lastSeen", "firstSeen", "-firstSeen", "signal", "-signal", "name", "-name", "packets", "-packets"}) {
		Query all;
		all.sort = sort;
		all.limit = 1000;
		const std::vector<std::string> whole = macs(*list(table, Kind::devices, all));
		CHECK_EQUAL(137u, whole.size());
		std::vector<std::string> paged;
		Query q = all;
		q.limit = 10;
		int pages = 0;
		do {
			const Page page = *list(table, Kind::devices, q);
			CHECK_EQUAL(137u, page.total);
			for (const std::string &mac : macs(page)) paged.push_back(mac);
			q.cursor = page.next;
			CHECK(++pages <= 14);
		} while (!q.cursor.empty());
		CHECK_TEXT(paged == whole, sort);
		Query other = all;
		other.sort = sort[0] == '-' ? std::string(sort + 1) : std::string("-") + sort;
		std::vector<std::string> reversed = macs(*list(table, Kind::devices, other));
		std::reverse(reversed.begin(), reversed.end());
		CHECK_TEXT(reversed == whole, sort);
	}
}

TEST(DeviceList, NewestFirstUnlessAskedOtherwise)
{
	Query q;
	const Page page = *list(table, Kind::devices, q);
	const pb::Json j = pb::Json::parse("[" + page.items + "]");
	CHECK_EQUAL(100u, json_array_size(j.get()));
	for (std::size_t i = 1; i < json_array_size(j.get()); ++i)
		CHECK(pb::text_at(json_array_get(j.get(), i - 1), "lastSeen") >= pb::text_at(json_array_get(j.get(), i), "lastSeen"));
	CHECK(!page.next.empty());
}

TEST(DeviceList, UnknownSignalIsTheWeakest)
{
	Query q;
	q.sort = "signal";
	q.limit = 1;
	const Page page = *list(table, Kind::devices, q);
	STRCMP_CONTAINS("\"last\":null", page.items.c_str());
}

TEST(DeviceList, FiltersAddUp)
{
	Query q;
	q.limit = 1000;
	q.type = "ACCESS point";
	CHECK_EQUAL(46u, list(table, Kind::devices, q)->total);
	q.q = "raspBERRY";
	CHECK_EQUAL(10u, list(table, Kind::devices, q)->total);
	q.type.clear();
	CHECK_EQUAL(28u, list(table, Kind::devices, q)->total);
	q.q = "net-";
	CHECK_EQUAL(46u, list(table, Kind::devices, q)->total);
	CHECK_EQUAL(46u, list(table, Kind::networks, Query())->total);
	CHECK_EQUAL(46u, macs(*list(table, Kind::networks, Query()), "bssid").size());
	q.q = "02:00:00:00:00:1";
	CHECK_EQUAL(16u, list(table, Kind::devices, q)->total);
	q.q = "nobody";
	const Page none = *list(table, Kind::devices, q);
	CHECK_EQUAL(0u, none.total);
	STRCMP_EQUAL("", none.items.c_str());
	STRCMP_EQUAL("", none.next.c_str());
}

TEST(DeviceList, SinceIsInclusiveInEverySortAndPage)
{
	std::size_t expected = 0;
	for (const Entry *e : table.order()) expected += e->device.last_seen_ms >= 30000;
	for (const char *sort : {"lastSeen", "-lastSeen", "name", "-signal"}) {
		Query q;
		q.since_ms = 30000;
		q.sort = sort;
		q.limit = 7;
		std::size_t seen = 0;
		do {
			const Page page = *list(table, Kind::devices, q);
			CHECK_EQUAL(expected, page.total);
			seen += macs(page).size();
			q.cursor = page.next;
		} while (!q.cursor.empty());
		CHECK_EQUAL(expected, seen);
	}
	Query late;
	late.since_ms = 1'000'000;
	late.cursor = "40000.3.";
	CHECK_EQUAL(0u, list(table, Kind::devices, late)->total);
}

TEST(DeviceList, ACursorThatIsNoneIsRefused)
{
	for (const char *bad : {"x", "1", "1.", "1.2", "1.2.3g", "1.2.333", ".1.", "1..", "99999999999999999999.1.", "1.2.ff"}) {
		Query q;
		q.cursor = bad;
		CHECK_TEXT(!list(table, Kind::devices, q), bad);
	}
}

TEST(DeviceList, APageGoesOnWhereItsLastDeviceWasEvenIfThatHasGone)
{
	Query q;
	q.sort = "name";
	q.limit = 10;
	const Page first = *list(table, Kind::devices, q);
	const std::string last = macs(first).back();
	devices::Device changed = table.find(*parse_mac(last), "")->device;
	changed.name = "zzz";
	table.put(*parse_mac(last), changed, 0);
	q.cursor = first.next;
	const Page second = *list(table, Kind::devices, q);
	for (const std::string &mac : macs(second))
		for (const std::string &seen : macs(first)) CHECK(mac != seen);
	CHECK_EQUAL(10u, macs(second).size());
}
