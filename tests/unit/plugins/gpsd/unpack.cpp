// What lines of gpsd become, good ones and bad ones.
#include <gpsd/unpack.hpp>

#include <fstream>
#include <random>
#include <string>

#include <CppUTest/TestHarness.h>

using namespace gpsd;

namespace {

const std::string tpv =
	R"({"class":"TPV","device":"/dev/pts/7","mode":3,"time":"2026-11-24T02:00:07.000Z","ept":0.005,"lat":52.520484950,"lon":13.406159617,)"
	R"("altHAE":79.6000,"altMSL":34.7000,"alt":34.7000,"epx":9.975,"epy":10.996,"epv":35.190,"track":66.0000,"magtrack":70.0594,"magvar":4.1,"speed":12.002,)"
	R"("climb":0.100,"epd":84.9042,"eps":21.99,"epc":70.38,"geoidSep":44.900,"eph":18.050,"sep":34.200})";

std::string satellites(int n)
{
	std::string out;
	for (int i = 1; i <= n; ++i) out += (i > 1 ? "," : "") + std::string(R"({"PRN":)") + std::to_string(i) + R"(,"used":true})";
	return R"({"class":"SKY","satellites":[)" + out + "]}";
}

} // namespace

TEST_GROUP(unpack)
{
	Unpacker unpacker;
	std::vector<Report> reports;

	bool take(const std::string &line)
	{
		reports.clear();
		return unpacker.unpack(line, reports);
	}
	template<typename T> const T &only()
	{
		LONGS_EQUAL(1, reports.size());
		CHECK(std::holds_alternative<T>(reports.front()));
		return std::get<T>(reports.front());
	}
	const Fix &fix(const std::string &line)
	{
		CHECK_TRUE_TEXT(take(line), unpacker.why().c_str());
		return only<Fix>();
	}
	void refuses(const std::string &line)
	{
		CHECK_FALSE_TEXT(take(line), line.substr(0, 200).c_str());
		CHECK(!unpacker.why().empty());
		LONGS_EQUAL(0, reports.size());
	}
};

TEST(unpack, a_fix_with_all_that_it_has)
{
	const Fix &f = fix(tpv);
	STRCMP_EQUAL("/dev/pts/7", f.device.c_str());
	LONGS_EQUAL(3, f.mode);
	CHECK(f.time_ms == 1795485607000);
	DOUBLES_EQUAL(52.520484950, f.lat, 1e-9);
	DOUBLES_EQUAL(13.406159617, f.lon, 1e-9);
	DOUBLES_EQUAL(79.6, f.altHAE, 1e-9);
	DOUBLES_EQUAL(34.7, f.altMSL, 1e-9);
	DOUBLES_EQUAL(44.9, f.geoidSep, 1e-9);
	DOUBLES_EQUAL(12.002, f.speed, 1e-9);
	DOUBLES_EQUAL(66, f.track, 1e-9);
	DOUBLES_EQUAL(0.1, f.climb, 1e-9);
	DOUBLES_EQUAL(4.1, f.magvar, 1e-9);
	DOUBLES_EQUAL(18.05, f.eph, 1e-9);
	DOUBLES_EQUAL(34.2, f.sep, 1e-9);
	CHECK(!f.status); // gpsd sends it from DGPS on
}

TEST(unpack, what_is_missing_is_none_and_nothing_stays_from_the_line_before)
{
	fix(tpv);
	const Fix &f = fix(R"({"class":"TPV","device":"/dev/x","mode":2,"lat":1.5,"lon":-2.5})");
	LONGS_EQUAL(2, f.mode);
	DOUBLES_EQUAL(-2.5, f.lon, 1e-9);
	CHECK(std::isnan(f.altMSL) && std::isnan(f.speed) && std::isnan(f.track) && std::isnan(f.eph));
	CHECK(!f.time_ms && !f.status && !f.leapseconds);
}

TEST(unpack, status_is_taken_where_gpsd_sends_it) { CHECK(fix(R"({"class":"TPV","device":"/dev/x","status":2,"mode":3,"lat":1,"lon":2})").status == 2); }

TEST(unpack, without_a_fix_there_are_no_numbers)
{
	const Fix &f = fix(R"({"class":"TPV","device":"/dev/x","mode":1,"lat":1.5,"lon":2.5,"speed":3})");
	LONGS_EQUAL(1, f.mode);
	CHECK(std::isnan(f.lat) && std::isnan(f.lon) && std::isnan(f.speed));
}

TEST(unpack, numbers_out_of_range_are_none)
{
	const Fix &f = fix(R"({"class":"TPV","mode":3,"lat":1,"lon":2,"speed":-4,"track":361,"altMSL":1e12,"eph":-1})");
	CHECK(std::isnan(f.speed) && std::isnan(f.track) && std::isnan(f.altMSL) && std::isnan(f.eph));
}

TEST(unpack, a_time_that_is_none_is_none)
{
	for (const char *t : {"garbage", "", "1970-01-01T00:00:00.000Z", "1899-12-31T00:00:00Z", "2150-01-01T00:00:00Z"})
		CHECK(!fix(std::string(R"({"class":"TPV","mode":2,"time":")") + t + R"(","lat":1,"lon":2})").time_ms);
	CHECK(!fix(R"({"class":"TPV","mode":2,"lat":1,"lon":2})").time_ms);
}

TEST(unpack, a_fix_without_a_position_is_refused)
{
	refuses(R"({"class":"TPV","mode":3})");
	refuses(R"({"class":"TPV","mode":3,"lat":1})");
	refuses(R"({"class":"TPV","mode":3,"lat":91,"lon":1})");
	refuses(R"({"class":"TPV","mode":2,"lat":1,"lon":-180.1})");
}

TEST(unpack, impossible_modes_and_types_are_refused)
{
	for (const char *mode : {"4", "-1", "99999999999", "2.7", "\"3\"", "null", "[]"})
		refuses(std::string(R"({"class":"TPV","lat":1,"lon":2,"mode":)") + mode + "}");
	refuses(R"({"class":"TPV","mode":3,"lat":"x","lon":2})");
	refuses(R"({"class":"TPV","mode":3,"lat":null,"lon":2})");
	refuses(R"({"class":"TPV","mode":3,"lat":[],"lon":2})");
	refuses(R"({"class":"TPV","mode":3,"lat":NaN,"lon":2})");
	refuses(R"({"class":"TPV","mode":3,"lat":1e999,"lon":2})");
	refuses(R"({"class":"TPV","mode":3,"lat":1,"lon":-1e999})");
}

TEST(unpack, lines_that_hang_gps_unpack_are_refused_or_read)
{
	refuses(R"({"lat":"x","class":"TPV"})");
	refuses(R"({"class":"TPV"} x {"class":"TPV"})");
	CHECK(take(R"({"class":"DEVICES","devices":[{"class":"DEVICE","path":"a"},{"class":"DEVICE","path":"b"},{"class":"DEVICE","path":"c"},)"
			   R"({"class":"DEVICE","path":"d"},{"class":"DEVICE","path":"e"}]})"));
	LONGS_EQUAL(5, only<Devices>().list.size());
	CHECK(take(R"({"class":"DEVICES","devices":[{"class":"DEVICE","path":")" + std::string(300, 'x') + R"("},{"class":"DEVICE","path":"b"}]})"));
}

TEST(unpack, a_newer_gpsd_may_say_more)
{
	const Fix &f = fix(R"({"class":"TPV","mode":3,"jam":7,"new":{"a":[1,2]},"lat":1,"lon":2,"list":[1,{"b":2}],"speed":5})");
	DOUBLES_EQUAL(1, f.lat, 0);
	DOUBLES_EQUAL(5, f.speed, 0);
	CHECK(take(R"({"class":"SKY","new":[1],"hdop":1.5,"satellites":[{"PRN":3,"qual":{"x":1},"el":10,"used":true}]})"));
	LONGS_EQUAL(3, only<Sky>().satellites.at(0).PRN);
	DOUBLES_EQUAL(1.5, only<Sky>().hdop, 0);
}

TEST(unpack, garbage_is_refused)
{
	const std::string whole = tpv;
	for (const auto *line : {"", "   ", "x", "{", "[]", "3", "null", "{\"class\":3}", "{}", "{\"class\":\"\"}", "$GPRMC,1*00", "HTTP/1.1 200 OK", "\xff\xfe",
			 "{\"class\":\"TPV\",\"device\":\"\xe9\"}"})
		refuses(line);
	for (std::size_t n = 1; n < whole.size(); ++n) refuses(whole.substr(0, n)); // half lines
	refuses(std::string("{\"class\":\"TPV\",\"mode\":1}\0", 25));
	refuses("{\"class\":\"TPV\",\"mode\":1,\"device\":\"" + std::string(70'000, 'x') + "\"}");
	refuses(std::string(10'000, '['));
}

TEST(unpack, classes_that_are_not_used_add_nothing)
{
	for (const auto *name : {"GST", "ATT", "PPS", "TOFF", "AIS", "RAW", "SOMETHING"}) {
		CHECK(take(std::string(R"({"class":")") + name + R"(","mode":99,"lat":"x"})"));
		LONGS_EQUAL(0, reports.size());
	}
}

TEST(unpack, a_sky)
{
	CHECK(take(
		R"({"class":"SKY","device":"/dev/x","hdop":0.95,"pdop":1.8,"nSat":3,"uSat":1,"satellites":[)"
		R"({"PRN":2,"el":30.0,"az":45.0,"ss":38.0,"used":true,"gnssid":0,"svid":2,"health":1},{"PRN":29,"el":5.0,"az":350.0,"ss":0.0,"used":false},{"PRN":30,"used":false,"el":95}]})"));
	const Sky &s = only<Sky>();
	CHECK(s.has_satellites && s.nSat == 3 && s.uSat == 1);
	DOUBLES_EQUAL(0.95, s.hdop, 1e-9);
	CHECK(std::isnan(s.vdop));
	const Satellite &a = s.satellites.at(0), &b = s.satellites.at(1), &c = s.satellites.at(2);
	CHECK(a.PRN == 2 && a.used && a.gnssid == 0 && a.svid == 2 && a.health == 1 && !a.sigid);
	DOUBLES_EQUAL(38, a.ss, 0);
	CHECK(!b.used && !b.gnssid && b.ss == 0);
	CHECK(std::isnan(c.ss) && std::isnan(c.az) && std::isnan(c.el));
}

TEST(unpack, a_sky_without_satellites_says_so)
{
	CHECK(take(satellites(3)));
	CHECK(only<Sky>().nSat == 3 && only<Sky>().uSat == 3); // counted where gpsd does not say
	CHECK(take(R"({"class":"SKY","device":"/dev/x","nSat":0,"uSat":0})"));
	CHECK(!only<Sky>().has_satellites && only<Sky>().nSat == 0);
	CHECK(std::isnan(only<Sky>().hdop));
}

TEST(unpack, more_satellites_than_libgps_has_room_for_are_refused)
{
	CHECK(take(satellites(140)));
	LONGS_EQUAL(140, only<Sky>().satellites.size());
	refuses(satellites(141));
	refuses(R"({"class":"SKY","satellites":3})");
	refuses(R"({"class":"SKY","satellites":[1,2]})");
}

TEST(unpack, devices_and_one_that_is_let_go)
{
	CHECK(take(
		R"({"class":"DEVICE","path":"/dev/ttyUSB0","driver":"u-blox","subtype":"SW 1","activated":"2026-11-24T02:55:36.190Z","native":1,"bps":38400,"parity":"N","stopbits":1,"cycle":1.00})"));
	STRCMP_EQUAL("u-blox", only<Device>().driver.c_str());
	DOUBLES_EQUAL(38400, only<Device>().bps, 0);
	CHECK(only<Device>().is_active);
	CHECK(take(R"({"class":"DEVICE","path":"/dev/ttyUSB0","activated":0})"));
	CHECK(!only<Device>().is_active);
	refuses(R"({"class":"DEVICE"})");
	refuses(R"({"class":"DEVICES"})");
	refuses(R"({"class":"DEVICES","devices":[1]})");
}

TEST(unpack, a_poll_is_its_fixes_and_skies)
{
	CHECK(
		take(R"({"class":"POLL","time":"2026-11-24T02:00:07.000Z","active":1,"tpv":[)" + tpv + R"(],"gst":[{"class":"GST"}],"sky":[)" + satellites(2) + "]}"));
	LONGS_EQUAL(2, reports.size());
	DOUBLES_EQUAL(52.520484950, std::get<Fix>(reports.at(0)).lat, 1e-9);
	LONGS_EQUAL(2, std::get<Sky>(reports.at(1)).satellites.size());
	refuses(R"({"class":"POLL","tpv":[)" + tpv + R"(,{"class":"POLL","tpv":[]}]})");
}

TEST(unpack, greeting_watch_and_complaint)
{
	CHECK(take(R"({"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14})"));
	STRCMP_EQUAL("3.22", only<Version>().release.c_str());
	CHECK(take(R"({"class":"WATCH","enable":true,"json":true})"));
	only<Watching>();
	CHECK(take(R"({"class":"ERROR","message":"Unrecognized request '?BOGUS;\n'"})"));
	STRCMP_EQUAL("Unrecognized request '?BOGUS;\n'", only<Complaint>().message.c_str());
}

TEST(unpack, a_recorded_session_is_read_whole)
{
	std::ifstream file(TEST_DATA "/gpsd-session.jsonl");
	std::string line;
	int fixes = 0, skies = 0, lines = 0;
	while (std::getline(file, line)) {
		if (line.ends_with('\r')) line.pop_back();
		if (line.empty()) continue;
		++lines;
		CHECK_TRUE_TEXT(take(line), line.c_str());
		for (const Report &r : reports) {
			fixes += std::holds_alternative<Fix>(r);
			skies += std::holds_alternative<Sky>(r);
		}
	}
	CHECK(lines > 100);
	CHECK(fixes >= 57 && skies >= 54);
}

TEST(unpack, mutated_lines_end_and_give_what_is_in_range)
{
	const char *count = std::getenv("PATCHBAY_RANDOM_RUNS");
	std::mt19937 random(20261124);
	const std::string seeds[]{tpv, satellites(10), R"({"class":"DEVICES","devices":[{"class":"DEVICE","path":"a","bps":9600}]})"};
	const auto pick = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
	for (int i = 0, n = count ? std::atoi(count) : 20'000; i < n; ++i) {
		std::string line = seeds[pick(3)];
		for (auto k = pick(4) + 1; k > 0; --k) {
			const auto at = pick(line.size());
			static constexpr std::string_view alphabet = "{}[]\",:0123456789eE+-.nulltrue\\ \x01\xff";
			switch (pick(3)) {
			case 0: line[at] = alphabet[pick(alphabet.size())]; break;
			case 1: line.erase(at, pick(5)); break;
			default: line.insert(at, 1, alphabet[pick(alphabet.size())]);
			}
			if (line.empty()) line = "x";
		}
		if (!take(line)) continue;
		for (const Report &r : reports)
			if (const Fix *f = std::get_if<Fix>(&r)) {
				CHECK(f->mode >= 0 && f->mode <= 3);
				CHECK(f->mode < 2 || (std::abs(f->lat) <= 90 && std::abs(f->lon) <= 180));
			}
	}
}
