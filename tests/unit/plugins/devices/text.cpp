// Pieces of JSON text: what strangers choose stays inside its quotes, and reads back as what it was.
#include <devices/text.hpp>
#include <patchbay/json.hpp>

#include <CppUTest/TestHarness.h>

#include <limits>

using namespace devices;

namespace {
std::string quoted(std::string_view text)
{
	std::string out;
	append_quoted(out, text);
	return out;
}
std::string time_text(std::int64_t ms)
{
	std::string out;
	append_time(out, ms);
	return out;
}
std::string number(double v)
{
	std::string out;
	append_number(out, v);
	return out;
}
} // namespace

TEST_GROUP(DeviceText){};

TEST(DeviceText, QuotesAndControlsAreEscaped) { STRCMP_EQUAL("\"a\\\"b\\\\c\\n\\u0001</script>\"", quoted("a\"b\\c\n\x01</script>").c_str()); }

TEST(DeviceText, EveryByteStringBecomesValidJson)
{
	for (int a = 0; a < 256; ++a) {
		for (int b = 0; b < 256; b += 5) {
			const std::string text{static_cast<char>(a), static_cast<char>(b), 'x'};
			const pb::Json back = pb::Json::parse(quoted(text));
			CHECK_TEXT(back, "not JSON");
			STRCMP_EQUAL(pb::utf8(text).c_str(), json_string_value(back.get()));
		}
	}
}

TEST(DeviceText, Utf8IsKept)
{
	STRCMP_EQUAL("\"Caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\xa1\"", quoted("Caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\xa1").c_str());
	STRCMP_EQUAL("\"\xef\xbf\xbd\xef\xbf\xbd\"", quoted("\xff\xc0").c_str());
	STRCMP_EQUAL("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", quoted("\xed\xa0\x80").c_str()); // a surrogate
	STRCMP_EQUAL("\"\xef\xbf\xbd\"", quoted(std::string_view("\0", 1)).c_str());
}

TEST(DeviceText, TimesAreIsoWithMilliseconds)
{
	STRCMP_EQUAL("\"1970-01-01T00:00:00.000Z\"", time_text(0).c_str());
	STRCMP_EQUAL("\"2025-11-23T12:13:20.007Z\"", time_text(1763900000007).c_str());
	STRCMP_EQUAL("\"2024-02-29T23:59:59.999Z\"", time_text(1709251199999).c_str());
	STRCMP_EQUAL("\"1969-12-31T23:59:59.999Z\"", time_text(-1).c_str());
	STRCMP_EQUAL("\"9999-12-31T23:59:59.999Z\"", time_text(std::numeric_limits<std::int64_t>::max()).c_str());
	STRCMP_EQUAL("\"0001-01-01T00:00:00.000Z\"", time_text(std::numeric_limits<std::int64_t>::min()).c_str());
}

TEST(DeviceText, NumbersReadBackAsTheyWere)
{
	STRCMP_EQUAL("8.54", number(8.54).c_str());
	STRCMP_EQUAL("410", number(410.0).c_str());
	STRCMP_EQUAL("-0.1", number(-0.1).c_str());
	STRCMP_EQUAL("null", number(std::numeric_limits<double>::quiet_NaN()).c_str());
	STRCMP_EQUAL("null", number(std::numeric_limits<double>::infinity()).c_str());
	for (const double v : {1e300, 1e-300, 0.1 + 0.2, 123456789.125, -1e15, 1e22}) {
		const pb::Json back = pb::Json::parse(number(v));
		CHECK_TEXT(back, number(v).c_str());
		DOUBLES_EQUAL(v, json_number_value(back.get()), 0);
	}
}

TEST(DeviceText, MacsOfAnyCaseAreOneNumber)
{
	CHECK(parse_mac("AA:bb:0C:00:00:01") == parse_mac("aa-BB-0c-00-00-01"));
	CHECK(parse_mac("AA:BB:0C:00:00:01").has_value());
	CHECK(parse_mac("AA:BB:0C:00:00:01:02:03").has_value());
	for (const char *bad : {"", "AA", "AA:BB:0C:00:00", "AA:BB:0C:00:00:0", "AA:BB:0C:00:00:0G", "AABB0C000001",
			 "AA:BB:0C:00:00:01:", "AA:BB:0C:00:00:01:02:03:04", "AA.BB.0C.00.00.01"})
		CHECK_TEXT(!parse_mac(bad), bad);
	STRCMP_EQUAL("AA:BB:0C:00:00:01", upper_mac("aa-bb-0c-00-00-01").c_str());
}

TEST(DeviceText, WordsAreFoundInAnyCase)
{
	CHECK(has_word("FieldNet", "dne"));
	CHECK(has_word("FieldNet", ""));
	CHECK(!has_word("FieldNet", "netz"));
	CHECK(has_word("aaab", "aab"));
	CHECK(is_same_word("Access Point", "access point"));
	CHECK(!is_same_word("Access Point", "access"));
}
