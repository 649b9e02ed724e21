#include "http/rate_limit.hpp"

#include <CppUTest/TestHarness.h>
#include <fmt/format.h>

using core::http::Address;
using core::http::RateLimit;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_GROUP(RateLimit)
{
	int allowed_of(RateLimit & limit, const char *client, int tries, RateLimit::Clock::time_point at)
	{
		int n = 0;
		for (int i = 0; i < tries; ++i) n += limit.take(*Address::parse(client), at).count() == 0;
		return n;
	}
	const RateLimit::Clock::time_point start{std::chrono::hours(1)};
};

TEST(RateLimit, a_full_bucket_holds_a_minutes_worth)
{
	for (const int a_minute : {1, 2, 7, 60, 100, 6000}) {
		RateLimit limit(a_minute);
		LONGS_EQUAL(a_minute, allowed_of(limit, "192.0.2.1", a_minute + 5, start));
	}
}

TEST(RateLimit, it_refills_evenly_and_says_when)
{
	RateLimit limit(60);
	allowed_of(limit, "192.0.2.1", 60, start);
	LONGS_EQUAL(1, limit.take(*Address::parse("192.0.2.1"), start).count());
	LONGS_EQUAL(0, allowed_of(limit, "192.0.2.1", 5, start + milliseconds(999)));
	LONGS_EQUAL(1, allowed_of(limit, "192.0.2.1", 5, start + milliseconds(1000)));
	LONGS_EQUAL(10, allowed_of(limit, "192.0.2.1", 50, start + seconds(11)));
	LONGS_EQUAL(60, allowed_of(limit, "192.0.2.1", 500, start + seconds(3600)));
	RateLimit slow(1);
	allowed_of(slow, "192.0.2.1", 1, start);
	LONGS_EQUAL(60, slow.take(*Address::parse("192.0.2.1"), start).count());
	LONGS_EQUAL(1, slow.take(*Address::parse("192.0.2.1"), start + milliseconds(59500)).count());
}

TEST(RateLimit, refused_requests_cost_nothing)
{
	RateLimit limit(60);
	allowed_of(limit, "192.0.2.1", 1000, start);
	LONGS_EQUAL(1, allowed_of(limit, "192.0.2.1", 1, start + seconds(1)));
}

TEST(RateLimit, addresses_count_alone_and_ipv6_by_its_64)
{
	RateLimit limit(2);
	LONGS_EQUAL(2, allowed_of(limit, "192.0.2.1", 5, start));
	LONGS_EQUAL(2, allowed_of(limit, "192.0.2.2", 5, start));
	LONGS_EQUAL(2, allowed_of(limit, "2001:db8::1", 5, start));
	LONGS_EQUAL(0, allowed_of(limit, "2001:db8::ffff:2", 5, start));
	LONGS_EQUAL(2, allowed_of(limit, "2001:db8:0:1::1", 5, start));
}

TEST(RateLimit, zero_turns_it_off)
{
	RateLimit limit(0);
	LONGS_EQUAL(5000, allowed_of(limit, "192.0.2.1", 5000, start));
	LONGS_EQUAL(0, limit.size());
}

TEST(RateLimit, memory_is_bounded_and_the_oldest_goes)
{
	RateLimit limit(1, 100);
	for (unsigned i = 0; i < 10000; ++i) (void)limit.take(*Address::parse(fmt::format("10.0.{}.{}", i / 256, i % 256)), start);
	LONGS_EQUAL(100, limit.size());
	LONGS_EQUAL(0, allowed_of(limit, "10.0.39.15", 1, start)); // the last: remembered
	LONGS_EQUAL(1, allowed_of(limit, "10.0.0.0", 1, start));   // the first: forgotten
}

TEST(RateLimit, looking_takes_nothing)
{
	RateLimit limit(1);
	const auto client = *Address::parse("192.0.2.1");
	LONGS_EQUAL(0, limit.look(client, start).count());
	LONGS_EQUAL(0, limit.take(client, start).count());
	LONGS_EQUAL(60, limit.look(client, start).count());
}

TEST(RateLimit, a_new_limit_holds_at_once)
{
	RateLimit limit(1);
	LONGS_EQUAL(1, allowed_of(limit, "192.0.2.1", 5, start));
	limit.set(0);
	LONGS_EQUAL(5, allowed_of(limit, "192.0.2.1", 5, start));
	limit.set(3);
	LONGS_EQUAL(3, allowed_of(limit, "192.0.2.1", 5, start));
}
