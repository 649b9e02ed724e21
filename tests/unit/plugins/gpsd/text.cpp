// The JSON that topics and route give.
#include <gpsd/text.hpp>
#include <patchbay/json.hpp>

#include <CppUTest/TestHarness.h>

using namespace gpsd;

TEST_GROUP(text){pb::Json parse(const std::string &text){std::string why;
pb::Json j = pb::Json::parse(text, &why);
CHECK_TRUE_TEXT(static_cast<bool>(j), (why + " " + text).c_str());
return j;
}
}
;

TEST(text, a_fix_without_anything_has_nulls_and_its_mode)
{
	const auto j = parse(to_text(Fix{}));
	LONGS_EQUAL(0, json_integer_value(pb::at(j.get(), "mode")));
	for (const char *name : {"device", "time", "status", "lat", "lon", "altHAE", "altMSL", "speed", "track", "climb", "eph", "epx", "epy", "epv"})
		CHECK_TRUE_TEXT(json_is_null(pb::at(j.get(), name)), name);
}

TEST(text, numbers_read_back_as_they_were)
{
	Fix f;
	f.mode = 3;
	f.lat = 52.520484950;
	f.lon = -0.0000001;
	f.speed = 0;
	f.altMSL = 1e7;
	const auto j = parse(to_text(f));
	CHECK(pb::number_at(j.get(), "lat") == 52.520484950);
	CHECK(pb::number_at(j.get(), "lon") == -0.0000001);
	CHECK(pb::number_at(j.get(), "speed") == 0.0);
	CHECK(pb::number_at(j.get(), "altMSL") == 1e7);
}

TEST(text, strangers_text_is_quoted)
{
	Fix f;
	f.device = "/dev/\"x\\\n\x01<";
	STRCMP_EQUAL(f.device.c_str(), std::string(pb::text_at(parse(to_text(f)).get(), "device")).c_str());
	Device d;
	d.path = "p\"";
	STRCMP_EQUAL("p\"", std::string(pb::text_at(parse(open_text(d) + "}").get(), "path")).c_str());
}

TEST(text, times)
{
	STRCMP_EQUAL("\"2026-11-24T02:00:07.042Z\"", quoted_time(1795485607042).c_str());
	STRCMP_EQUAL("null", quoted_time({}).c_str());
}

TEST(text, a_sky_with_its_satellites)
{
	Sky s;
	s.nSat = 2;
	s.satellites.resize(2);
	s.satellites[0].PRN = 7;
	s.satellites[0].used = true;
	s.satellites[1].gnssid = 6;
	const auto j = parse(to_text(s));
	const json_t *list = pb::at(j.get(), "satellites");
	LONGS_EQUAL(2, json_array_size(list));
	LONGS_EQUAL(7, pb::integer_at(json_array_get(list, 0), "PRN"));
	CHECK(pb::bool_at(json_array_get(list, 0), "used"));
	CHECK(json_is_null(pb::at(json_array_get(list, 0), "el")));
	LONGS_EQUAL(6, pb::integer_at(json_array_get(list, 1), "gnssid"));
	CHECK(json_is_null(pb::at(j.get(), "uSat")) && json_is_null(pb::at(j.get(), "hdop")));
}
