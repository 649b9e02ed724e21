// Values in fields: numbers, times, octal escapes, kinds of encryption.
#include <csv/values.hpp>

#include <CppUTest/TestHarness.h>

#include <cstdlib>
#include <ctime>

using namespace csv;

TEST_GROUP(CsvValues){std::string unescaped(std::string_view text){std::string out;
append_unescaped(out, text);
return out;
}
std::string encryption(std::string_view text)
{
	std::string out;
	append_encryption(out, text);
	return out;
}
}
;

TEST(CsvValues, OctalEscapesAreBytesAndOtherBackslashesStay)
{
	STRCMP_EQUAL("Caf\xc3\xa9 Gratuit", unescaped("Caf\\303\\251 Gratuit").c_str());
	STRCMP_EQUAL("\\\"quoted, comma\\\"", unescaped("\\\\042quoted\\054 comma\\\\042").c_str());
	STRCMP_EQUAL("\\", unescaped("\\").c_str());
	STRCMP_EQUAL("\\04", unescaped("\\04").c_str());
	STRCMP_EQUAL("\\08x", unescaped("\\08x").c_str());
	STRCMP_EQUAL("\\777", unescaped("\\777").c_str()); // more than a byte
	STRCMP_EQUAL("\xff", unescaped("\\377").c_str());
	STRCMP_EQUAL("a\\b", unescaped("a\\b").c_str());
}

TEST(CsvValues, NumbersAreWholeOrNone)
{
	CHECK(parse_integer("-66") == -66);
	CHECK(parse_decimal("47.370000") == 47.37);
	CHECK(parse_decimal("-0.5") == -0.5);
	CHECK(parse_decimal("410") == 410.0);
	CHECK(parse_decimal("1e3") == 1000.0);
	CHECK(parse_decimal("0.1234567890123456789") == 0.1234567890123456789);
	CHECK(parse_decimal("123456789012345678901234567890") == 123456789012345678901234567890.0);
	for (const char *bad : {"", "-", ".", "1.2.3", "1x", "x", " 1", "1 ", "--1"}) {
		CHECK_TEXT(!parse_decimal(bad), bad);
		CHECK_TEXT(!parse_integer(bad), bad);
	}
	CHECK(!parse_integer("99999999999999999999"));
}

TEST(CsvValues, EveryShortDecimalIsWhatStrtodSays)
{
	for (int i = -200'000; i < 200'000; i += 7) {
		char text[32];
		std::snprintf(text, sizeof text, "%d.%06d", i / 1000, std::abs(i) * 3 % 1'000'000);
		DOUBLES_EQUAL(std::strtod(text, nullptr), *parse_decimal(text), 0);
	}
}

TEST(CsvValues, TimesAreUtcOrThisMachines)
{
	CHECK(parse_utc("2025-11-23 12:13:20") == 1763900000000);
	CHECK(parse_utc("1970-01-01 00:00:00") == 0);
	for (const char *bad : {"", "2025-11-23", "2025-13-23 12:13:20", "2025-11-32 12:13:20", "2025-11-23 24:13:20", "2025/11/23 12:13:20", "2025-11-23 12:13:2x",
			 "25-11-2023 12:13:20", "2025-11-23 12:13:20Z"})
		CHECK_TEXT(!parse_utc(bad), bad);
	setenv("TZ", "CET-1", 1);
	tzset();
	CHECK(parse_local("2025-11-23 13:13:20") == 1763900000000);
	CHECK(parse_ctime("Sun Nov 23 13:13:20 2025") == 1763900000000);
	CHECK(parse_ctime("Sat Nov  1 01:00:00 2025") == 1761955200000);
	CHECK(!parse_ctime("Sun Nox 23 13:13:20 2025"));
	CHECK(!parse_ctime("Sun aNo 23 13:13:20 2025"));
	setenv("TZ", "UTC", 1);
	tzset();
}

TEST(CsvValues, AuthModeIsEncryptionWithoutTheKindOfNetwork)
{
	STRCMP_EQUAL("Open", encryption("[ESS]").c_str());
	STRCMP_EQUAL("WPA2-PSK-CCMP", encryption("[WPA2-PSK-CCMP][ESS]").c_str());
	STRCMP_EQUAL("WPA-PSK WPA2-PSK", encryption("[WPA-PSK][WPA2-PSK][WPS][ESS]").c_str());
	STRCMP_EQUAL("Open", encryption("").c_str());
	STRCMP_EQUAL("WEP", encryption("WEP").c_str());
	STRCMP_EQUAL("x", encryption("[x").c_str());
}
