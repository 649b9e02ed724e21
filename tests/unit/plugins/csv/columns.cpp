// Columns by name, from both ends.
#include <csv/format.hpp>

#include <CppUTest/TestHarness.h>

#include <string>

using namespace csv;

TEST_GROUP(CsvColumns)
{
	std::vector<std::string_view> split(std::string_view text, char by)
	{
		std::vector<std::string_view> out;
		for (;;) {
			const std::size_t n = text.find(by);
			out.push_back(text.substr(0, n));
			if (n == std::string_view::npos) return out;
			text.remove_prefix(n + 1);
		}
	}
	Columns wigle(std::string_view header) { return {Format::wiglecsv, split(header, ',')}; }
	std::string where(Columns & c, Want want, std::size_t n)
	{
		const Columns::Map *m = c.map(n);
		if (!m) return "refused";
		const Columns::Place p = (*m)[static_cast<std::size_t>(want)];
		if (p.first == Columns::none) return "none";
		return p.first == p.last ? std::to_string(p.first) : std::to_string(p.first) + "-" + std::to_string(p.last);
	}
	static constexpr std::string_view v16 =
		"MAC,SSID,AuthMode,FirstSeen,Channel,Frequency,RSSI,CurrentLatitude,CurrentLongitude,AltitudeMeters,AccuracyMeters,RCOIs,MfgrId,Type";
	static constexpr std::string_view v14 = "MAC,SSID,AuthMode,FirstSeen,Channel,RSSI,CurrentLatitude,CurrentLongitude,AltitudeMeters,AccuracyMeters,Type";
};

TEST(CsvColumns, RowsOf16MayLeaveOutTwoColumns)
{
	Columns c = wigle(v16);
	for (const std::size_t n : {12u, 13u, 14u}) {
		STRCMP_EQUAL("0", where(c, Want::mac, n).c_str());
		STRCMP_EQUAL("6", where(c, Want::dbm, n).c_str());
		STRCMP_EQUAL("10", where(c, Want::accuracy, n).c_str());
		STRCMP_EQUAL(std::to_string(n - 1).c_str(), where(c, Want::type, n).c_str());
	}
	STRCMP_EQUAL("refused", where(c, Want::mac, 11).c_str());
	STRCMP_EQUAL("refused", where(c, Want::mac, 1).c_str());
}

TEST(CsvColumns, VersionsDifferByNameNotByPlace)
{
	Columns c = wigle(v14);
	STRCMP_EQUAL("5", where(c, Want::dbm, 11).c_str());
	STRCMP_EQUAL("none", where(c, Want::frequency, 11).c_str());
	STRCMP_EQUAL("10", where(c, Want::type, 11).c_str());
	STRCMP_EQUAL("refused", where(c, Want::dbm, 10).c_str());
	Columns swapped = wigle("Type,RSSI,MAC,SSID");
	STRCMP_EQUAL("2", where(swapped, Want::mac, 4).c_str());
	STRCMP_EQUAL("0", where(swapped, Want::type, 4).c_str());
	CHECK(!wigle("a,b,c").is_known());
}

TEST(CsvColumns, ADelimiterInANameIsAPartOfIt)
{
	Columns c = wigle(v14);
	STRCMP_EQUAL("1-3", where(c, Want::ssid, 13).c_str());
	STRCMP_EQUAL("0", where(c, Want::mac, 13).c_str());
	STRCMP_EQUAL("12", where(c, Want::type, 13).c_str());
	STRCMP_EQUAL("7", where(c, Want::dbm, 13).c_str());
}

TEST(CsvColumns, StationsMayHaveProbedForNothingOrForMuch)
{
	Columns c(Format::airodump, split("Station MAC, First time seen, Last time seen, Power, # packets, BSSID, Probed ESSIDs", ','));
	CHECK(c.is_stations());
	for (const std::size_t n : {6u, 7u, 12u}) {
		STRCMP_EQUAL("0", where(c, Want::mac, n).c_str());
		STRCMP_EQUAL("3", where(c, Want::dbm, n).c_str());
		STRCMP_EQUAL("4", where(c, Want::packets, n).c_str());
	}
	STRCMP_EQUAL("refused", where(c, Want::mac, 5).c_str());
}

TEST(CsvColumns, FormatsAreToldApartByTheirFirstLines)
{
	CHECK(format_of("WigleWifi-1.6,appRelease=x") == Format::wiglecsv);
	CHECK(format_of("WigleWifi-1.4,appRelease=x") == Format::wiglecsv);
	CHECK(format_of("Network;NetType;ESSID;BSSID;Info") == Format::kismet_2013);
	CHECK(format_of("BSSID, First time seen, Last time seen, channel") == Format::airodump);
	CHECK(format_of("a,b") == Format::unknown);
}
