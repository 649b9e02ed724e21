// The contract's shapes D and N, and its words for types.
#include <devices/device.hpp>
#include <devices/history.hpp>

#include <CppUTest/TestHarness.h>

using namespace devices;

TEST_GROUP(Device){devices::Device field_net(){devices::Device d;
d.mac = "00:17:F2:00:00:00";
d.name = d.ssid = "FieldNet";
d.manufacturer = "Apple, Inc.";
d.type = "Access Point";
d.channel = "6";
d.encryption = "Open";
d.is_network = true;
d.first_seen_ms = 1763900000000;
d.last_seen_ms = 1763900029000;
d.frequency_khz = 2437000;
d.packets = 2;
d.clients = 30;
d.signal = {-50, -66, -50};
d.place = Place{47.37, 8.54, 410.0, {}};
return d;
}
}
;

TEST(Device, IsTheContractsD)
{
	std::string out;
	append_device(out, field_net());
	STRCMP_EQUAL("{\"mac\":\"00:17:F2:00:00:00\",\"name\":\"FieldNet\",\"firstSeen\":\"2025-11-23T12:13:20.000Z\",\"lastSeen\":\"2025-11-23T12:13:49.000Z\","
				 "\"manufacturer\":\"Apple, Inc.\",\"type\":\"Access Point\",\"channel\":\"6\",\"frequency\":2437000,\"packets\":2,\"dataBytes\":0,"
				 "\"signal\":{\"last\":-50,\"min\":-66,\"max\":-50},\"location\":{\"lat\":47.37,\"lon\":8.54,\"alt\":410,\"accuracy\":null}}",
		out.c_str());
}

TEST(Device, IsTheContractsN)
{
	std::string out;
	append_network(out, field_net());
	STRCMP_EQUAL("{\"ssid\":\"FieldNet\",\"bssid\":\"00:17:F2:00:00:00\",\"channel\":\"6\",\"frequency\":2437,\"encryption\":\"Open\","
				 "\"firstSeen\":\"2025-11-23T12:13:20.000Z\",\"lastSeen\":\"2025-11-23T12:13:49.000Z\",\"clients\":30,\"packets\":2,"
				 "\"signal\":{\"last\":-50,\"min\":-66,\"max\":-50}}",
		out.c_str());
}

TEST(Device, UnknownIsNullOrTheContractsWord)
{
	devices::Device d;
	d.mac = "02:00:00:00:00:01";
	std::string out;
	append_device(out, d);
	STRCMP_EQUAL("{\"mac\":\"02:00:00:00:00:01\",\"name\":\"02:00:00:00:00:01\",\"firstSeen\":null,\"lastSeen\":null,\"manufacturer\":\"Unknown\","
				 "\"type\":\"Unknown\",\"channel\":null,\"frequency\":null,\"packets\":0,\"dataBytes\":0,\"signal\":{\"last\":null,\"min\":null,\"max\":null},"
				 "\"location\":null}",
		out.c_str());
	out.clear();
	append_network(out, d);
	STRCMP_CONTAINS("{\"ssid\":\"<Hidden>\"", out.c_str());
}

TEST(Device, TypesHaveTheContractsWords)
{
	CHECK(contract_type("Wi-Fi AP") == "Access Point");
	CHECK(contract_type("Wi-Fi Ad-Hoc") == "Ad-Hoc Device");
	CHECK(contract_type("Bluetooth") == "Bluetooth Device");
	CHECK(contract_type("BLE") == "Bluetooth LE");
	CHECK(contract_type("UAV") == "Drone/UAV");
	CHECK(contract_type("Wi-Fi Client") == "Wi-Fi Client");
	CHECK(contract_type("") == "Unknown");
}

TEST(Device, EncryptionIsCountedByClass)
{
	CHECK(encryption_class("WPA2 WPA2-PSK AES-CCMP") == "WPA2");
	CHECK(encryption_class("Open") == "Open");
	CHECK(encryption_class("WPA3-SAE") == "WPA3");
	CHECK(encryption_class("") == "Unknown");
}

TEST(Device, SignalKeepsItsExtremesAndIgnoresTheUnknown)
{
	Signal s;
	for (const int dbm : {-70, 0, -40, -55}) s.add(dbm);
	CHECK(s == (Signal{-55, -70, -40}));
}

TEST(Device, HistoryKeepsFiveMinutesAndTheNewest)
{
	History h;
	devices::Device d = field_net();
	for (int second = 0; second <= 1000; ++second) {
		d.last_seen_ms = second * 1000;
		d.signal.last = -40 - second % 50;
		h.add(d, 2000);
	}
	CHECK(h.all().size() <= 152);
	CHECK_EQUAL(1000 * 1000, h.all().back().time_ms);
	CHECK(h.all().front().time_ms >= 700 * 1000);
	for (std::size_t i = 1; i < h.all().size(); ++i) CHECK(h.all()[i - 1].time_ms < h.all()[i].time_ms);
	d.last_seen_ms = 5000; // the clock jumped back
	h.add(d, 2000);
	CHECK_EQUAL(1u, h.all().size());
	d.signal.last = 0;
	d.last_seen_ms = 9000;
	h.add(d, 2000);
	CHECK_EQUAL(1u, h.all().size()); // nothing was read
	std::string out;
	append_history(out, h);
	STRCMP_EQUAL("[{\"time\":\"1970-01-01T00:00:05.000Z\",\"signal\":-40,\"lat\":47.37,\"lon\":8.54}]", out.c_str());
}
