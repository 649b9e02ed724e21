#include "http/byte_range.hpp"

#include <CppUTest/TestHarness.h>
#include <fmt/format.h>

using core::http::ByteRange;

namespace {
std::string range(const char *header, std::uint64_t size = 1000)
{
	const auto r = ByteRange::parse(header, size);
	return r.kind == ByteRange::Kind::whole ? "whole" : r.kind == ByteRange::Kind::unsatisfiable ? "416" : fmt::format("{}+{}", r.first, r.size);
}
} // namespace

TEST_GROUP(ByteRange){};

TEST(ByteRange, one_range_in_each_of_its_forms)
{
	STRCMP_EQUAL("0+1", range("bytes=0-0").c_str());
	STRCMP_EQUAL("0+500", range("bytes=0-499").c_str());
	STRCMP_EQUAL("500+500", range("bytes=500-").c_str());
	STRCMP_EQUAL("900+100", range("bytes=-100").c_str());
	STRCMP_EQUAL("999+1", range("bytes= 999 - 5000 ").c_str());
	STRCMP_EQUAL("0+1000", range("bytes=-5000").c_str());
	STRCMP_EQUAL("10+990", range("bytes=10-99999999999999999999999").c_str());
}

TEST(ByteRange, what_lies_outside_cannot_be_satisfied)
{
	for (const char *header : {"bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=99999999999999999999999-"})
		STRCMP_EQUAL_TEXT("416", range(header).c_str(), header);
	STRCMP_EQUAL("416", range("bytes=0-", 0).c_str());
	STRCMP_EQUAL("416", range("bytes=-1", 0).c_str());
}

TEST(ByteRange, what_is_not_understood_gets_the_whole_file)
{
	for (const char *header : {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=0-1,5-6", "lines=0-1", "bytes=0x1-", "bytes=+1-2",
			 "bytes=--1", "bytes=1--2", "BYTES=0-1"})
		STRCMP_EQUAL_TEXT("whole", range(header).c_str(), header);
}
