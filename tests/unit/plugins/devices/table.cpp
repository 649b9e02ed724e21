// The table of devices: bounds, order, what is news, passes over a whole list.
#include <devices/table.hpp>
#include <devices/text.hpp>
#include <patchbay/json.hpp>

#include <CppUTest/TestHarness.h>

#include <fmt/format.h>

#include <map>
#include <random>
#include <set>

using namespace devices;
using Outcome = devices::Table::Outcome;

namespace {
devices::Device device(int n, std::int64_t last_ms, const char *key = "")
{
	devices::Device d;
	d.mac = fmt::format("02:00:00:00:{:02X}:{:02X}", n / 256, n % 256);
	d.key = key;
	d.name = fmt::format("net-{}", n);
	d.first_seen_ms = 1000;
	d.last_seen_ms = last_ms;
	d.signal = {-50, -50, -50};
	return d;
}
} // namespace

TEST_GROUP(DeviceTable)
{
	devices::Table table{4};
	Outcome put(devices::Device d)
	{
		const auto mac = parse_mac(d.mac);
		return table.put(*mac, std::move(d), 0);
	}
	std::string news(std::size_t limit = 1000)
	{
		bool more = false;
		const pb::Json j = pb::Json::parse(table.take_news(limit, more));
		CHECK_TEXT(j, "the news are not JSON");
		std::string out;
		for (const char *part : {"added", "changed"}) {
			out += part[0];
			for (std::size_t i = 0; i < json_array_size(pb::at(j.get(), part)); ++i)
				out += std::string(pb::text_at(json_array_get(pb::at(j.get(), part), i), "name")).substr(4) + " ";
		}
		out += 'r';
		for (std::size_t i = 0; i < json_array_size(pb::at(j.get(), "removed")); ++i)
			out += std::string(json_string_value(json_array_get(pb::at(j.get(), "removed"), i))).substr(15) + " ";
		return out + (more ? "+" : "");
	}
};

TEST(DeviceTable, AddsChangesAndDropsWhatIsTheSame)
{
	CHECK(put(device(1, 1000)) == Outcome::added);
	CHECK(put(device(1, 1000)) == Outcome::same);
	const auto before = table.generation();
	CHECK(put(device(1, 2000)) == Outcome::changed);
	CHECK(table.generation() > before);
	CHECK_EQUAL(1u, table.size());
}

TEST(DeviceTable, OldestSeenGoFirstAndAreCounted)
{
	for (int i = 1; i <= 4; ++i) put(device(i, i * 1000));
	put(device(1, 9000)); // heard again: no longer the oldest
	CHECK(put(device(5, 5000)) == Outcome::added);
	CHECK_EQUAL(4u, table.size());
	CHECK_EQUAL(1u, table.evicted());
	CHECK(!table.find(*parse_mac("02:00:00:00:00:02"), ""));
	CHECK(table.find(*parse_mac("02:00:00:00:00:01"), ""));
	CHECK(put(device(6, 10)) == Outcome::refused); // older than all of a full table
	CHECK_EQUAL(2u, table.evicted());
	table.set_most(2);
	CHECK_EQUAL(2u, table.size());
	CHECK(table.find(*parse_mac("02:00:00:00:00:01"), ""));
}

TEST(DeviceTable, OneMacOnTwoPhysIsTwoDevices)
{
	put(device(1, 1000, "wifi"));
	put(device(1, 3000, "bt"));
	put(device(1, 2000, "zigbee"));
	CHECK_EQUAL(3u, table.size());
	const auto found = table.find_all(*parse_mac("02:00:00:00:00:01"));
	CHECK_EQUAL(3u, found.size());
	STRCMP_EQUAL("bt", found[0]->device.key.c_str());
	STRCMP_EQUAL("zigbee", found[1]->device.key.c_str());
}

TEST(DeviceTable, NewsAreToldOnceAndWhatCameStaysNew)
{
	put(device(1, 1000));
	put(device(1, 1500));
	put(device(2, 1000));
	STRCMP_EQUAL("a1 2 cr", news().c_str());
	CHECK(!table.has_news());
	put(device(1, 2000));
	STRCMP_EQUAL("ac1 r", news().c_str());
	table.clear();
	STRCMP_EQUAL("acr02 01 ", news().c_str());
	STRCMP_EQUAL("acr", news().c_str());
}

TEST(DeviceTable, NewsComeInBatchesAndNothingIsLost)
{
	for (int i = 1; i <= 4; ++i) put(device(i, i * 1000));
	STRCMP_EQUAL("a1 2 cr+", news(2).c_str());
	put(device(1, 9000));
	STRCMP_EQUAL("a3 4 cr+", news(2).c_str());
	STRCMP_EQUAL("ac1 r", news(2).c_str());
}

TEST(DeviceTable, WhatCameAndWentUntoldIsNoNews)
{
	for (int i = 1; i <= 6; ++i) put(device(i, i * 1000));
	STRCMP_EQUAL("a3 4 5 6 cr", news().c_str());
	put(device(7, 7000));
	STRCMP_EQUAL("a7 cr03 ", news().c_str());
	table.forget_news();
	put(device(8, 8000));
	table.forget_news();
	STRCMP_EQUAL("acr", news().c_str());
	CHECK(put(device(8, 8500)) == Outcome::changed);
	STRCMP_EQUAL("ac8 r", news().c_str());
}

TEST(DeviceTable, APassRemovesWhatItDidNotSee)
{
	put(device(1, 1000));
	put(device(2, 2000));
	put(device(3, 3000));
	table.begin_pass();
	put(device(2, 2000)); // the same still counts as seen
	put(device(4, 4000));
	table.end_pass();
	CHECK_EQUAL(2u, table.size());
	CHECK(table.find(*parse_mac("02:00:00:00:00:02"), ""));
	CHECK(table.find(*parse_mac("02:00:00:00:00:04"), ""));
}

TEST(DeviceTable, TextsAreMadeOnceAChange)
{
	put(device(1, 1000));
	Entry *e = table.find(*parse_mac("02:00:00:00:00:01"), "");
	const char *text = e->text().c_str();
	POINTERS_EQUAL(text, e->text().c_str());
	STRCMP_CONTAINS("1970-01-01T00:00:01.000Z", text);
	put(device(1, 61000));
	STRCMP_CONTAINS("1970-01-01T00:01:01.000Z", e->text().c_str());
}

TEST(DeviceTable, EditAddsToWhatIsKnown)
{
	const auto mac = *parse_mac("02:00:00:00:00:09");
	const auto see = [&](int dbm) {
		return table.edit(mac, "", 5000, 0, [&](devices::Device &d, bool is_new) {
			if (is_new) d.mac = "02:00:00:00:00:09";
			d.last_seen_ms = 5000;
			++d.packets;
			d.signal.add(dbm);
			return true;
		});
	};
	CHECK(see(-50) == Outcome::added);
	CHECK(see(-70) == Outcome::changed);
	CHECK(table.find(mac, "")->device.signal == (Signal{-70, -70, -50}));
	CHECK_EQUAL(2, table.find(mac, "")->device.packets);
}

TEST(DeviceTable, RandomChangesKeepAllIndexesTogether)
{
	std::mt19937 dice(8092);
	devices::Table big(50);
	std::map<std::string, std::int64_t> told; // what a client knows that follows the news
	std::map<std::string, std::int64_t> now;
	for (int step = 0; step < 20000; ++step) {
		devices::Device d = device(static_cast<int>(dice() % 90), static_cast<std::int64_t>(dice() % 100000), "k");
		const auto mac = *parse_mac(d.mac);
		big.put(mac, d, step);
		CHECK(big.size() <= 50);
		if (dice() % 500 == 0) big.clear();
		if (dice() % 50 != 0) continue;
		bool more = true;
		while (more) {
			const pb::Json j = pb::Json::parse(big.take_news(7, more));
			for (const char *part : {"added", "changed"})
				for (std::size_t i = 0; i < json_array_size(pb::at(j.get(), part)); ++i)
					told[std::string(pb::text_at(json_array_get(pb::at(j.get(), part), i), "mac"))] = 1;
			for (std::size_t i = 0; i < json_array_size(pb::at(j.get(), "removed")); ++i) {
				const std::string mac_text = json_string_value(json_array_get(pb::at(j.get(), "removed"), i));
				if (!big.find(*parse_mac(mac_text), "k")) told.erase(mac_text);
			}
		}
		now.clear();
		std::int64_t before = -1;
		for (const Entry *e : big.order()) {
			CHECK(e->device.last_seen_ms >= before);
			before = e->device.last_seen_ms;
			now[e->device.mac] = 1;
			POINTERS_EQUAL(e, big.find(*parse_mac(e->device.mac), "k"));
		}
		CHECK(now == told);
	}
}
