// Lines into sightings: the recorded wiglecsv, the two other formats, and what is not right.
#include <csv/apply.hpp>
#include <csv/log_reader.hpp>
#include <devices/text.hpp>

#include <CppUTest/TestHarness.h>

#include <fstream>
#include <sstream>

using namespace csv;

namespace {
constexpr const char *wigle_head =
	"WigleWifi-1.6,appRelease=Kismet,model=Kismet\n"
	"MAC,SSID,AuthMode,FirstSeen,Channel,Frequency,RSSI,CurrentLatitude,CurrentLongitude,AltitudeMeters,AccuracyMeters,RCOIs,MfgrId,Type\n";
}

TEST_GROUP(LogReader)
{
	LogReader reader;
	Batch batch;
	devices::Table table{1000};
	std::uint64_t offset = 0;

	void feed(std::string_view text)
	{
		while (!text.empty()) {
			const std::size_t n = text.find('\n') + 1;
			CHECK_TEXT(n > 0, "the test's text ends in half a line");
			reader.line(text.substr(0, n), offset, batch);
			offset += n;
			text.remove_prefix(n);
		}
		apply(batch, table, 0);
		batch.sightings.clear();
	}
	const devices::Device &device(const char *mac)
	{
		const devices::Entry *e = table.find(*devices::parse_mac(mac), "");
		CHECK_TEXT(e, mac);
		return e->device;
	}
	std::string reasons()
	{
		std::string out;
		for (const Reject &r : batch.rejects.last) out += (out.empty() ? "" : ", ") + std::string(r.reason);
		return out;
	}
};

TEST(LogReader, ReadsTheRecordedLogWhole)
{
	std::ifstream in(TEST_DATA "/kismet/kismet.wiglecsv");
	std::stringstream text;
	text << in.rdbuf();
	feed(text.str());
	STRCMP_EQUAL("", reasons().c_str());
	CHECK(reader.format() == Format::wiglecsv);
	CHECK_EQUAL(73u, reader.rows());
	const devices::Device &field_net = device("00:17:F2:00:00:00");
	STRCMP_EQUAL("FieldNet", field_net.name.c_str());
	STRCMP_EQUAL("Access Point", field_net.type.c_str());
	STRCMP_EQUAL("Open", field_net.encryption.c_str());
	STRCMP_EQUAL("6", field_net.channel.c_str());
	CHECK_EQUAL(2437000, field_net.frequency_khz);
	CHECK_EQUAL(-66, field_net.signal.last);
	CHECK_EQUAL(1763900000000, field_net.first_seen_ms);
	DOUBLES_EQUAL(47.37, field_net.place->lat, 0);
	DOUBLES_EQUAL(8.54, field_net.place->lon, 0);
	DOUBLES_EQUAL(410, *field_net.place->alt, 0);
	STRCMP_EQUAL("\\\"quoted, comma\\\"", device("60:60:1F:00:00:04").name.c_str()); // as the REST API has it
	STRCMP_EQUAL("Caf\xc3\xa9 Gratuit", device("B8:27:EB:00:00:01").name.c_str());
	STRCMP_EQUAL("<script>alert(1)</script>", device("3C:5A:B4:00:00:03").name.c_str());
	STRCMP_EQUAL("=cmd|'/c calc'!A0", device("00:1B:63:00:00:07").name.c_str());
	STRCMP_EQUAL("WPA2-PSK-CCMP", device("00:1B:63:00:00:02").encryption.c_str());
	CHECK(device("00:1B:63:00:00:02").is_network);                // hidden, but encrypted
	const devices::Device &station = device("02:00:5E:00:00:06"); // two rows
	STRCMP_EQUAL("Wi-Fi Device", station.type.c_str());
	CHECK(!station.is_network);
	CHECK_EQUAL(2, station.packets);
	CHECK(station.signal == (devices::Signal{-58, -58, -47}));
	CHECK(station.last_seen_ms > station.first_seen_ms); // its second row came when the log had gone on
}

TEST(LogReader, Reads14WithoutFrequencyAndOtherKinds)
{
	feed("WigleWifi-1.4,appRelease=2.26\r\nMAC,SSID,AuthMode,FirstSeen,Channel,RSSI,CurrentLatitude,CurrentLongitude,AltitudeMeters,AccuracyMeters,Type\r\n"
		 "aa:bb:cc:00:00:01, blank ,[WPA2-PSK-CCMP][ESS],2024-02-29 23:59:59,11,-71,47.1,8.2,400,5,WIFI\r\n"
		 "AA:BB:CC:00:00:02,tracker,Misc [BT],2024-02-29 23:59:59,0,-80,47.1,8.2,400,5,BLE\r\n"
		 "AA:BB:CC:00:00:03,\"quoted, with comma\",[ESS],2024-02-29 23:59:59,1,-80,0,0,0,0,WIFI\r\n"
		 "AA:BB:CC:00:00:04,two,commas, raw,[ESS],2024-02-29 23:59:59,1,-80,0,0,0,0,WIFI\r\n");
	STRCMP_EQUAL("", reasons().c_str());
	STRCMP_EQUAL(" blank ", device("AA:BB:CC:00:00:01").name.c_str());
	STRCMP_EQUAL("AA:BB:CC:00:00:01", device("AA:BB:CC:00:00:01").mac.c_str());
	CHECK_EQUAL(0, device("AA:BB:CC:00:00:01").frequency_khz);
	DOUBLES_EQUAL(5, *device("AA:BB:CC:00:00:01").place->accuracy, 0);
	STRCMP_EQUAL("Bluetooth LE", device("AA:BB:CC:00:00:02").type.c_str());
	STRCMP_EQUAL("", device("AA:BB:CC:00:00:02").channel.c_str());
	STRCMP_EQUAL("quoted, with comma", device("AA:BB:CC:00:00:03").name.c_str());
	CHECK(!device("AA:BB:CC:00:00:03").place);
	STRCMP_EQUAL("two,commas, raw", device("AA:BB:CC:00:00:04").name.c_str());
}

TEST(LogReader, WrongRowsAreRejectedByReasonAndTheNextIsRead)
{
	feed(wigle_head);
	feed("not a mac,x,[ESS],2025-11-23 12:13:20,6,2437000,-66,47,8,410,0,WIFI\n"
		 "00:00:00:00:00:01,x,[ESS],yesterday,6,2437000,-66,47,8,410,0,WIFI\n"
		 "00:00:00:00:00:02,x,[ESS],2025-11-23 12:13:20,six,2437000,-66,47,8,410,0,WIFI\n"
		 "00:00:00:00:00:03,x,[ESS],2025-11-23 12:13:20,6,2437000,loud,47,8,410,0,WIFI\n"
		 "00:00:00:00:00:04,x,[ESS],2025-11-23 12:13:20,6,2437000,-66,91,8,410,0,WIFI\n"
		 "00:00:00:00:00:05,x\n"
		 "00:00:00:00:00:06,\"open quote,[ESS],2025-11-23 12:13:20,6,2437000,-66,47,8,410,0,WIFI\n"
		 "\n"
		 "00:00:00:00:00:07,right,[ESS],2025-11-23 12:13:20,6,2437000,-66,47,8,410,0,WIFI\n");
	STRCMP_EQUAL("mac, time, channel, signal, position, fields, open quote", reasons().c_str());
	CHECK_EQUAL(1u, table.size());
	STRCMP_EQUAL("right", device("00:00:00:00:00:07").name.c_str());
	CHECK_EQUAL(1u, reader.rows());
	STRCMP_EQUAL("00:00:00:00:00:05,x", batch.rejects.last[5].text.c_str());
	std::string binary = "00:00:00:00:00:08,x";
	binary += '\0';
	feed(binary + ",[ESS],2025-11-23 12:13:20,6,2437000,-66,47,8,410,0,WIFI\n");
	feed("00:00:00:00:00:09," + std::string(70'000, 'x') + ",[ESS],2025-11-23 12:13:20,6,2437000,-66,47,8,410,0,WIFI\n");
	feed("00:00:00:00:00:09,\"" + std::string(80'000, 'x') + "\",[ESS],2025-11-23 12:13:20,6,2437000,-66,47,8,410,0,WIFI\n");
	feed(std::string(300, ',') + "\n");
	feed("00:00:00:00:00:0A,\"after\",[ESS],2025-11-23 12:13:20,6,2437000,-66,47,8,410,0,WIFI\n");
	STRCMP_EQUAL(
		"time, channel, signal, position, fields, open quote, binary, field too long, field too long, too many fields", reasons().c_str()); // the last ten
	CHECK_EQUAL(11u, batch.rejects.total());
	CHECK_EQUAL(2u, batch.rejects.counts["field too long"]);
	STRCMP_EQUAL("after", device("00:00:00:00:00:0A").name.c_str());
}

TEST(LogReader, RowsWithoutAHeaderAreNoRows)
{
	feed("00:00:00:00:00:01,x,[ESS],2025-11-23 12:13:20,6,2437000,-66,47,8,410,0,WIFI\n");
	feed("WigleWifi-1.6,x\n00:00:00:00:00:01,x,[ESS],2025-11-23 12:13:20,6,2437000,-66,47,8,410,0,WIFI\n");
	STRCMP_EQUAL("no header, no header", reasons().c_str());
	CHECK_EQUAL(0u, table.size());
}

TEST(LogReader, ASecondHeaderBeginsAnew)
{
	feed(std::string("\xef\xbb\xbf") + wigle_head);
	feed("00:00:00:00:00:01,x,[ESS],2025-11-23 12:13:20,6,2437000,-66,47,8,410,0,WIFI\n");
	feed("WigleWifi-1.4,x\nMAC,SSID,AuthMode,FirstSeen,Channel,RSSI,CurrentLatitude,CurrentLongitude,AltitudeMeters,AccuracyMeters,Type\n");
	feed("00:00:00:00:00:02,y,[ESS],2025-11-23 12:13:20,6,-66,47,8,410,0,WIFI\n");
	STRCMP_EQUAL("", reasons().c_str());
	CHECK_EQUAL(2u, table.size());
}

TEST(LogReader, ReadsKismet2013)
{
	feed("Network;NetType;ESSID;BSSID;Info;Channel;Cloaked;Encryption;Decrypted;MaxRate;MaxSeenRate;Beacon;LLC;Data;Crypt;Weak;Total;Carrier;Encoding;"
		 "FirstTime;LastTime;"
		 "BestQuality;BestSignal;BestNoise;GPSMinLat;GPSMinLon;GPSMinAlt;GPSMinSpd;GPSMaxLat;GPSMaxLon;GPSMaxAlt;GPSMaxSpd;GPSBestLat;GPSBestLon;GPSBestAlt;"
		 "DataSize;IPType;IP;\n"
		 "1;infrastructure;\"Field;Net;00:17:F2:00:00:00;;6;No;WPA2,AES-CCM;No;54.0;1000;25;25;10;0;0;35;IEEE 802.11g;;Sun Nov 23 12:13:20 2025;Sun Nov 23 "
		 "12:14:20 2025;"
		 "0;-48;0;47.1;8.1;400;0;47.3;8.3;420;0;47.2;8.2;410;1234;0;0.0.0.0;\n"
		 "2;probe;;02:00:5E:00:00:01;;0;No;None;No;54.0;1000;0;1;0;0;0;1;IEEE 802.11g;;Sun Nov 23 12:13:21 2025;Sun Nov 23 12:13:21 2025;"
		 "0;-80;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0.0.0.0;\n");
	STRCMP_EQUAL("", reasons().c_str());
	const devices::Device &d = device("00:17:F2:00:00:00");
	STRCMP_EQUAL("\"Field;Net", d.name.c_str()); // written as it is, with its quote and its semicolon
	STRCMP_EQUAL("Access Point", d.type.c_str());
	STRCMP_EQUAL("WPA2,AES-CCM", d.encryption.c_str());
	CHECK_EQUAL(35, d.packets);
	CHECK_EQUAL(1234, d.data_bytes);
	CHECK_EQUAL(60'000, d.last_seen_ms - d.first_seen_ms);
	DOUBLES_EQUAL(47.2, d.place->lat, 0);
	STRCMP_EQUAL("Wi-Fi Client", device("02:00:5E:00:00:01").type.c_str());
	CHECK(!device("02:00:5E:00:00:01").is_network);
}

TEST(LogReader, ReadsBothPartsOfAirodump)
{
	feed(
		"\r\nBSSID, First time seen, Last time seen, channel, speed, Privacy, Cipher, Authentication, Power, # beacons, # IV, LAN IP, ID-length, ESSID, Key\r\n"
		"00:17:F2:00:00:00, 2025-11-23 12:13:20, 2025-11-23 12:14:20,  6,  54, WPA2, CCMP, PSK, -48,       35,        0,   0.  0.  0.  0,  11,  a, \"b\", c , "
		"\r\n"
		"00:17:F2:00:00:01, 2025-11-23 12:13:20, 2025-11-23 12:14:20, -1,  54, OPN,        ,    , -1,        3,        0,   0.  0.  0.  0,   0, , \r\n"
		"\r\n"
		"Station MAC, First time seen, Last time seen, Power, # packets, BSSID, Probed ESSIDs\r\n"
		"02:00:5E:00:00:01, 2025-11-23 12:13:20, 2025-11-23 12:14:20, -51,       12, (not associated) ,FieldNet,other\r\n"
		"02:00:5E:00:00:02, 2025-11-23 12:13:20, 2025-11-23 12:14:20, -52,        7, 00:17:F2:00:00:00,\r\n"
		"\r\n");
	STRCMP_EQUAL("", reasons().c_str());
	const devices::Device &ap = device("00:17:F2:00:00:00");
	STRCMP_EQUAL(" a, \"b\", c ", ap.name.c_str());
	STRCMP_EQUAL("WPA2 CCMP", ap.encryption.c_str());
	STRCMP_EQUAL("6", ap.channel.c_str());
	CHECK_EQUAL(35, ap.packets);
	CHECK_EQUAL(-48, ap.signal.last);
	const devices::Device &quiet = device("00:17:F2:00:00:01");
	STRCMP_EQUAL("Open", quiet.encryption.c_str());
	STRCMP_EQUAL("", quiet.channel.c_str());
	CHECK_EQUAL(0, quiet.signal.last);
	CHECK(quiet.is_network);
	STRCMP_EQUAL("Wi-Fi Client", device("02:00:5E:00:00:01").type.c_str());
	CHECK_EQUAL(12, device("02:00:5E:00:00:01").packets);
	CHECK_EQUAL(-52, device("02:00:5E:00:00:02").signal.last);
}
