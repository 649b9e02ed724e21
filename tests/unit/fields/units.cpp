#include "fields/check.hpp"

#include <CppUTest/TestHarness.h>

using core::fields::duration_text;
using core::fields::parse_duration;
using core::fields::parse_time;

TEST_GROUP(units){};

TEST(units, durations)
{
	DOUBLES_EQUAL(0.25, parse_duration("250ms").value(), 0);
	DOUBLES_EQUAL(1.5, parse_duration("1.5s").value(), 0);
	DOUBLES_EQUAL(600, parse_duration("10m").value(), 0);
	DOUBLES_EQUAL(3600, parse_duration("1h").value(), 0);
	DOUBLES_EQUAL(172800, parse_duration("2d").value(), 0);
	DOUBLES_EQUAL(0, parse_duration("0s").value(), 0);
}

TEST(units, what_is_no_duration)
{
	for (const char *text : {"", "5", "s", "5 s", " 5s", "5s ", "-5s", "+5s", "5sec", "5S", "1h30m", "1e3s", "nans", "infs", "0x5s", ".5s",
			 "99999999999999999999d", "40000d", "5s\n"})
		CHECK_TEXT(!parse_duration(text), text);
	CHECK(!parse_duration(std::string_view("5s\0", 3)));
}

TEST(units, durations_are_told_in_the_unit_without_a_fraction)
{
	for (const char *text : {"1ms", "250ms", "5s", "90s", "10m", "1h", "36h", "2d"}) STRCMP_EQUAL(text, duration_text(parse_duration(text).value()).c_str());
	STRCMP_EQUAL("1500ms", duration_text(1.5).c_str());
	STRCMP_EQUAL("0s", duration_text(0).c_str());
}

TEST(units, times)
{
	DOUBLES_EQUAL(1795514400, parse_time("2026-11-24T10:00:00Z").value(), 0);
	DOUBLES_EQUAL(1795514400.25, parse_time("2026-11-24T10:00:00.250Z").value(), 0);
	DOUBLES_EQUAL(1795514400, parse_time("2026-11-24T12:00:00+02:00").value(), 0);
	DOUBLES_EQUAL(1795514400, parse_time("2026-11-24T08:30:00-0130").value(), 0);
	DOUBLES_EQUAL(1795514400, parse_time("2026-11-24 10:00").value(), 0);
	DOUBLES_EQUAL(1795478400, parse_time("2026-11-24").value(), 0);
	DOUBLES_EQUAL(951782400, parse_time("2000-02-29t00:00:00z").value(), 0);
	DOUBLES_EQUAL(-1, parse_time("1969-12-31T23:59:59Z").value(), 0);
	DOUBLES_EQUAL(1795514400.123456789, parse_time("2026-11-24T10:00:00.12345678901234567890Z").value(), 1e-6);
}

TEST(units, what_is_no_time)
{
	for (const char *text : {"", "now", "2026", "2026-13-01", "2026-02-29", "2026-11-24T", "2026-11-24T10", "2026-11-24T24:00Z", "2026-11-24T10:60Z",
			 "2026-11-24T10:00:61Z", "2026-11-24T10:00:00.Z", "2026-11-24T10:00:00ZZ", "2026-11-24T10:00:00+2", "2026-11-24T10:00:00+24:00",
			 "26-11-24T10:00:00Z", "2026-11-24Z", "+2026-11-24", "1795514400"})
		CHECK_TEXT(!parse_time(text), text);
}
