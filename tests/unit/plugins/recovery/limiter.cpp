// When the next attempt may be.
#include <recovery/limiter.hpp>

#include <CppUTest/TestHarness.h>

#include <random>

using namespace recovery;

TEST_GROUP(RecoveryLimiter)
{
	Limiter limiter;
	const Limiter::Bounds bounds{4, 1'000, 5'000};
	void fail(Ms at)
	{
		limiter.on_attempt(at);
		limiter.on_failed(at);
	}
};

TEST(RecoveryLimiter, the_first_attempt_is_at_once) { LONGS_EQUAL(77, *limiter.next(77, bounds)); }

TEST(RecoveryLimiter, the_pause_doubles_up_to_its_bound)
{
	fail(0);
	LONGS_EQUAL(1'000, *limiter.next(0, bounds));
	fail(1'000);
	LONGS_EQUAL(3'000, *limiter.next(1'000, bounds));
	fail(3'000);
	LONGS_EQUAL(7'000, *limiter.next(3'000, bounds));
	LONGS_EQUAL(9'000, *limiter.next(9'000, bounds)); // it has passed
}

TEST(RecoveryLimiter, success_ends_the_pause_and_not_the_count)
{
	fail(0);
	fail(1'000);
	limiter.on_success();
	LONGS_EQUAL(1'001, *limiter.next(1'001, bounds));
	LONGS_EQUAL(2, limiter.in_the_last_hour(1'001));
}

TEST(RecoveryLimiter, the_hours_attempts_are_used_up_until_the_hour_is_over)
{
	for (Ms t = 0; t < 4; ++t) fail(t * 10'000);
	CHECK(!limiter.next(40'000, bounds));
	CHECK(!limiter.next(Limiter::hour, bounds));
	CHECK(limiter.next(Limiter::hour + 1, bounds).has_value());
}

TEST(RecoveryLimiter, a_clock_that_steps_neither_blocks_nor_frees_for_long)
{
	fail(100 * Limiter::hour);
	CHECK(*limiter.next(1'000, bounds) <= 1'000 + 5'000); // set back by days
	fail(1'000);
	CHECK(limiter.next(100 * Limiter::hour, bounds).has_value()); // and forward again
}

TEST(RecoveryLimiter, never_more_than_its_bound_in_any_hour)
{
	std::mt19937 dice(7);
	std::deque<Ms> begun;
	Ms now = 0;
	for (int i = 0; i < 5'000; ++i) {
		now += static_cast<Ms>(dice() % 600'000);
		const auto next = limiter.next(now, bounds);
		if (!next || *next > now) continue;
		while (!begun.empty() && begun.front() < now - Limiter::hour) begun.pop_front();
		CHECK(begun.size() < bounds.an_hour);
		begun.push_back(now);
		limiter.on_attempt(now);
		if (dice() % 3 != 0) limiter.on_failed(now);
		else limiter.on_success();
	}
}
