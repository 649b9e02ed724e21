// The ring of samples: bounded, oldest first, null for what nobody knew.
#include "dashboard/history.hpp"

#include <patchbay/json.hpp>

#include <CppUTest/TestHarness.h>

#include <limits>

using namespace dashboard;

namespace {
Sample sample(std::int64_t time, double value)
{
	Sample s;
	s.unix_ms = time;
	s.values.fill(value);
	return s;
}

std::string times(const History &h)
{
	const pb::Json all = pb::Json::parse(h.text(10'000));
	std::string out;
	std::size_t i;
	json_t *v;
	json_array_foreach(pb::at(pb::at(all.get(), "columns"), "time"), i, v) out += std::to_string(json_integer_value(v)) + " ";
	return out;
}
} // namespace

TEST_GROUP(History){};

TEST(History, an_empty_one_is_whole_json)
{
	const pb::Json all = pb::Json::parse(History(3).text(10'000));
	CHECK(all.get() != nullptr);
	LONGS_EQUAL(10'000, pb::integer_at(all.get(), "interval_ms"));
	LONGS_EQUAL(columns.size() + 1, json_object_size(pb::at(all.get(), "columns")));
	LONGS_EQUAL(0, json_array_size(pb::at(pb::at(all.get(), "columns"), "load")));
}

TEST(History, the_oldest_goes_when_it_is_full)
{
	History h(3);
	for (std::int64_t t = 1; t <= 5; ++t) h.add(sample(t, 1));
	STRCMP_EQUAL("3 4 5 ", times(h).c_str());
}

TEST(History, what_is_remembered_goes_before_what_came_since)
{
	History h(4);
	for (std::int64_t t = 1; t <= 6; ++t) h.add(sample(t, 1));
	h.restore({sample(3, 1), sample(4, 1)}, 5);
	STRCMP_EQUAL("3 4 5 6 ", times(h).c_str());
	h.restore({sample(1, 1), sample(2, 1), sample(3, 1), sample(4, 1)}, 5);
	STRCMP_EQUAL("3 4 5 6 ", times(h).c_str());
	h.add(sample(7, 1));
	h.add(sample(8, 1));
	STRCMP_EQUAL("5 6 7 8 ", times(h).c_str());
}

TEST(History, a_ring_that_is_not_full_after_it_goes_on)
{
	History h(4);
	h.add(sample(5, 1));
	h.restore({sample(4, 1)}, 5);
	for (std::int64_t t = 6; t <= 9; ++t) h.add(sample(t, 1));
	STRCMP_EQUAL("6 7 8 9 ", times(h).c_str());
}

TEST(History, what_nobody_knew_is_null)
{
	History h(3);
	h.add(sample(1, std::numeric_limits<double>::quiet_NaN()));
	h.add(sample(2, std::numeric_limits<double>::infinity()));
	h.add(sample(3, 1.25));
	const pb::Json all = pb::Json::parse(h.text(10'000));
	CHECK(all.get() != nullptr);
	const json_t *list = pb::at(pb::at(all.get(), "columns"), "load");
	CHECK(json_is_null(json_array_get(list, 0)));
	CHECK(json_is_null(json_array_get(list, 1)));
	DOUBLES_EQUAL(1.25, json_number_value(json_array_get(list, 2)), 1e-9);
}
