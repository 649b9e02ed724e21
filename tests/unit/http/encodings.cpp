#include "http/encodings.hpp"

#include <CppUTest/TestHarness.h>

using core::http::Encodings;

namespace {
const char *taken(const char *header)
{
	const auto e = Encodings::parse(header);
	return e.br ? e.gzip ? "both" : "br" : e.gzip ? "gzip" : "none";
}
} // namespace

TEST_GROUP(Encodings){};

TEST(Encodings, what_is_named_is_taken)
{
	STRCMP_EQUAL("both", taken("gzip, deflate, br, zstd"));
	STRCMP_EQUAL("gzip", taken("gzip"));
	STRCMP_EQUAL("gzip", taken("x-gzip;q=0.5"));
	STRCMP_EQUAL("br", taken(" BR ; q=1.0 ,identity"));
	STRCMP_EQUAL("none", taken(""));
	STRCMP_EQUAL("none", taken("identity"));
	STRCMP_EQUAL("none", taken("brotli, gzipped"));
}

TEST(Encodings, a_quality_of_zero_is_a_refusal)
{
	STRCMP_EQUAL("br", taken("gzip;q=0, br"));
	STRCMP_EQUAL("none", taken("gzip; q=0.000"));
	STRCMP_EQUAL("gzip", taken("gzip;q=0.001"));
}

TEST(Encodings, a_star_stands_for_the_rest)
{
	STRCMP_EQUAL("both", taken("*"));
	STRCMP_EQUAL("gzip", taken("br;q=0, *"));
	STRCMP_EQUAL("br", taken("*;q=0, br"));
}
