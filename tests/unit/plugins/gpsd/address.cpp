// Addresses and localhost need no name service; names do.
#include <gpsd/address.hpp>

#include <CppUTest/TestHarness.h>

TEST_GROUP(address){};

TEST(address, literal_ones)
{
	LONGS_EQUAL(1, gpsd::literal("127.0.0.1", 2947).size());
	LONGS_EQUAL(AF_INET6, gpsd::literal("::1", 2947).at(0).raw.ss_family);
	LONGS_EQUAL(2, gpsd::literal("localhost", 2947).size());
	LONGS_EQUAL(AF_INET, gpsd::literal("localhost", 2947).at(0).raw.ss_family); // first
	for (const char *name : {"", "kit.local", "127.1", "1.2.3.4.5", "fe80::1%eth0", "localhost "}) LONGS_EQUAL(0, gpsd::literal(name, 2947).size());
}
