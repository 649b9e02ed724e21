// The way driven: what is kept of it, where lines begin, that it stays bounded whatever comes.
#include "dashboard/track.hpp"

#include <patchbay/json.hpp>

#include <CppUTest/TestHarness.h>

#include <limits>

using namespace dashboard;

namespace {
constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
constexpr double metre = 1 / 111'320.0; // degrees north

pb::Json points(const Track &t)
{
	const pb::Json all = pb::Json::parse(t.text());
	return pb::Json::share(pb::at(all.get(), "points"));
}
std::size_t size(const Track &t) { return json_array_size(points(t).get()); }
double at(const Track &t, std::size_t i, std::size_t what) { return json_number_value(json_array_get(json_array_get(points(t).get(), i), what)); }
bool begins(const Track &t, std::size_t i) { return json_array_size(json_array_get(points(t).get(), i)) == 4; }
} // namespace

TEST_GROUP(Track){};

TEST(Track, nothing_is_kept_of_standing_still)
{
	Track t(100);
	for (int i = 0; i < 1000; ++i) t.add(i * 1000, 48 + (i % 3) * metre, 11, unknown);
	LONGS_EQUAL(1, size(t));
}

TEST(Track, a_step_is_kept_once_it_is_more_than_the_fix_is_uncertain)
{
	Track t(100);
	t.add(0, 48, 11, 4);
	CHECK_FALSE(t.add(1000, 48 + 4 * metre, 11, 4));
	CHECK(t.add(2000, 48 + 6 * metre, 11, 4));
	CHECK_FALSE(t.add(3000, 48 + 26 * metre, 11, 60)); // off by 60: 30 are not enough of a way
	CHECK(t.add(4000, 48 + 37 * metre, 11, 60));
}

TEST(Track, a_minute_without_a_fix_begins_a_new_line)
{
	Track t(100);
	t.add(0, 48, 11, unknown);
	t.add(1000, 48 + 10 * metre, 11, unknown);
	t.add(62'000, 48 + 10 * metre, 11, unknown);
	CHECK(begins(t, 0));
	CHECK_FALSE(begins(t, 1));
	CHECK(begins(t, 2));
}

TEST(Track, a_full_one_is_thinned_where_it_is_old)
{
	Track t(100);
	for (int i = 0; i < 1000; ++i) t.add(i * 1000, 48 + i * 10 * metre, 11, unknown);
	CHECK(size(t) <= 100);
	CHECK(size(t) >= 50);
	DOUBLES_EQUAL(48, at(t, 0, 1), 1e-6); // where it began is still known
	DOUBLES_EQUAL(48 + 9990 * metre, at(t, size(t) - 1, 1), 1e-6);
	for (std::size_t i = 1; i < size(t); ++i) CHECK(at(t, i - 1, 0) < at(t, i, 0));
}

TEST(Track, nothing_but_beginnings_stays_bounded_too)
{
	Track t(10);
	for (int i = 0; i < 100; ++i) t.add(i * 100'000, 48, 11, unknown);
	CHECK(size(t) <= 10);
	DOUBLES_EQUAL(9'900'000, at(t, size(t) - 1, 0), 0.5);
}

TEST(Track, what_is_remembered_goes_before_what_came_since)
{
	Track t(100);
	t.add(50'000, 48, 11, unknown);
	t.add(51'000, 48 + 10 * metre, 11, unknown);
	t.restore({{1000, 47, 11, true}, {2000, 47 + 10 * metre, 11, false}}, 50'000);
	t.restore({{1000, 47, 11, true}, {2000, 47 + 10 * metre, 11, false}}, 50'000); // asked twice: the same
	LONGS_EQUAL(4, size(t));
	DOUBLES_EQUAL(47, at(t, 0, 1), 1e-6);
	DOUBLES_EQUAL(48, at(t, 2, 1), 1e-6);
	CHECK(begins(t, 2));
}
