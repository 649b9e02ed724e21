#include "terminal/units.hpp"

#include <CppUTest/TestHarness.h>

using ctl::bytes_text, ctl::count_text, ctl::duration_text, ctl::figure, ctl::parse_duration, ctl::parse_time, ctl::Seconds;

TEST_GROUP(units){};

TEST(units, durations_are_as_exact_as_they_are_read)
{
	STRCMP_EQUAL("0.0 s", duration_text(Seconds(-3)).c_str());
	STRCMP_EQUAL("0.4 s", duration_text(Seconds(0.42)).c_str());
	STRCMP_EQUAL("59 s", duration_text(Seconds(59.9)).c_str());
	STRCMP_EQUAL("3 m 5 s", duration_text(Seconds(185)).c_str());
	STRCMP_EQUAL("2 h 10 m", duration_text(Seconds(7800)).c_str());
	STRCMP_EQUAL("4 d 1 h", duration_text(Seconds(4 * 86400 + 3700)).c_str());
	CHECK(duration_text(Seconds(1e300)).size() < 40);
}

TEST(units, sizes_and_counts)
{
	STRCMP_EQUAL("512 B", bytes_text(512).c_str());
	STRCMP_EQUAL("1.5 KiB", bytes_text(1536).c_str());
	STRCMP_EQUAL("200 MiB", bytes_text(200.0 * 1024 * 1024).c_str());
	STRCMP_EQUAL("0", count_text(0).c_str());
	STRCMP_EQUAL("999", count_text(999).c_str());
	STRCMP_EQUAL("-1,234,567", count_text(-1234567).c_str());
}

TEST(units, durations_are_read_with_a_unit_alone)
{
	DOUBLES_EQUAL(0.25, parse_duration("250ms")->count(), 1e-9);
	DOUBLES_EQUAL(90, parse_duration("1.5m")->count(), 1e-9);
	for (const char *text : {"", "5", "s", "-1s", "1x", "1s ", "nans", "infs", "1e3s"}) CHECK_TEXT(!parse_duration(text), text);
}

TEST(units, times_are_read_in_utc)
{
	DOUBLES_EQUAL(1795993512.25, *parse_time("2026-11-29T23:05:12.250Z"), 1e-6);
	for (const char *text : {"", "2026", "2026-11-29T23:05:12", "2026-11-29T23:05:12.x", "2026-11-29T23:05:12+01:00", "2026-13-29T23:05:12Z"})
		CHECK_TEXT(!parse_time(text), text);
	STRCMP_EQUAL("-", ctl::age_text("no time").c_str());
}

TEST(units, what_is_missing_is_a_dash)
{
	STRCMP_EQUAL("-", figure(nullptr).c_str());
	STRCMP_EQUAL("-", figure(pb::Json(nullptr).get(), 1, "m").c_str());
	STRCMP_EQUAL("1.5 m", figure(pb::Json(1.5).get(), 1, "m").c_str());
	STRCMP_EQUAL("7", figure(pb::Json(7).get()).c_str());
}
