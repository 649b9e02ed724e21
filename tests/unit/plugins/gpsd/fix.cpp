// Which receiver leads, what is held back, what is stale: by a clock of the test's own.
#include <gpsd/fix.hpp>

#include <CppUTest/TestHarness.h>

using namespace gpsd;
using namespace std::chrono_literals;

namespace {

Fix fix_of(const std::string &device, int mode, double eph = none)
{
	Fix f;
	f.device = device;
	f.mode = mode;
	f.eph = eph;
	if (mode >= 2) f.lat = f.lon = 1;
	return f;
}
Device device_of(const std::string &path)
{
	Device d;
	d.path = path;
	return d;
}
Sky sky_of(int satellites, double hdop = none)
{
	Sky s;
	s.hdop = hdop;
	s.satellites.resize(static_cast<std::size_t>(satellites));
	s.has_satellites = satellites > 0;
	s.nSat = s.uSat = satellites;
	return s;
}

} // namespace

TEST_GROUP(fix)
{
	Receivers receivers;
	Time now{1h};

	void take(const Fix &f)
	{
		CHECK(receivers.take(f, now));
		receivers.choose(now);
	}
	std::string leads()
	{
		receivers.choose(now);
		return receivers.leader() ? receivers.leader()->device.path : "nobody";
	}
	/// Both report once a second for so long.
	void run(const Fix &a, const Fix &b, std::chrono::seconds time)
	{
		for (const auto end = now + time; now < end; now += 1s) {
			take(a);
			take(b);
		}
	}
};

TEST(fix, better_is_mode_then_status_then_a_clearly_smaller_error)
{
	CHECK(is_better(fix_of("a", 3), fix_of("b", 2, 1)));
	CHECK(!is_better(fix_of("a", 2, 1), fix_of("b", 3)));
	Fix dgps = fix_of("a", 3, 50);
	dgps.status = 2;
	CHECK(is_better(dgps, fix_of("b", 3, 1)));
	CHECK(is_better(fix_of("a", 3, 7), fix_of("b", 3, 10)));
	CHECK(!is_better(fix_of("a", 3, 9), fix_of("b", 3, 10)));
	CHECK(is_better(fix_of("a", 3, 9), fix_of("b", 3)));
	CHECK(!is_better(fix_of("a", 3), fix_of("b", 3)));
	CHECK(!is_better(fix_of("a", 1), fix_of("b", 1)));
	Fix axes = fix_of("a", 3);
	axes.epx = axes.epy = 1;
	CHECK(is_better(axes, fix_of("b", 3, 10)));
}

TEST(fix, the_only_receiver_leads_with_or_without_a_fix)
{
	STRCMP_EQUAL("nobody", leads().c_str());
	take(fix_of("a", 1));
	STRCMP_EQUAL("a", leads().c_str());
}

TEST(fix, a_better_one_leads_only_after_a_while)
{
	take(fix_of("a", 3, 20));
	run(fix_of("a", 3, 20), fix_of("b", 3, 5), 2s);
	STRCMP_EQUAL("a", leads().c_str());
	run(fix_of("a", 3, 20), fix_of("b", 3, 5), 2s);
	STRCMP_EQUAL("b", leads().c_str());
}

TEST(fix, two_alike_do_not_take_turns)
{
	take(fix_of("a", 3, 10));
	for (int i = 0; i < 60; ++i, now += 1s) {
		take(fix_of("a", 3, i % 2 ? 10 : 4));
		take(fix_of("b", 3, i % 2 ? 4 : 10));
		STRCMP_EQUAL("a", leads().c_str());
	}
}

TEST(fix, one_that_loses_its_fix_is_followed_by_another_at_once)
{
	run(fix_of("a", 3, 5), fix_of("b", 2, 50), 10s);
	STRCMP_EQUAL("a", leads().c_str());
	take(fix_of("a", 1));
	now += Receivers::hold;
	STRCMP_EQUAL("b", leads().c_str());
}

TEST(fix, one_that_falls_silent_is_followed_by_another)
{
	run(fix_of("a", 3, 5), fix_of("b", 2, 50), 10s);
	for (int i = 0; i < 7; ++i, now += 1s) take(fix_of("b", 2, 50));
	STRCMP_EQUAL("b", leads().c_str());
	CHECK(receivers.is_stale(receivers.all().at("a"), now));
}

TEST(fix, one_that_is_taken_away_is_followed_by_another)
{
	run(fix_of("a", 3, 5), fix_of("b", 2, 50), 2s);
	receivers.set_devices({device_of("b")});
	STRCMP_EQUAL("b", leads().c_str());
	Device gone = device_of("b");
	gone.is_active = false;
	receivers.set_device(gone);
	STRCMP_EQUAL("nobody", leads().c_str());
	CHECK(!receivers.has_device());
}

TEST(fix, the_first_part_of_an_epoch_does_not_take_the_height_away)
{
	for (std::int64_t t = 1; t < 20; ++t, now += 1s) {
		for (const int mode : {2, 3, 2}) { // RMC, GGA, and what comes after
			Fix f = fix_of("a", mode);
			f.time_ms = t * 1000;
			take(f);
			LONGS_EQUAL(t == 1 && mode == 2 ? receivers.leader()->fix->mode : 3, receivers.leader()->fix->mode);
		}
		now += Receivers::hold; // and nothing was left waiting
		receivers.choose(now);
		LONGS_EQUAL(3, receivers.leader()->fix->mode);
	}
}

TEST(fix, a_fix_that_is_lost_is_told_after_the_hold_with_its_own_time)
{
	take(fix_of("a", 3));
	now += 1s;
	const Time lost = now;
	take(fix_of("a", 1));
	LONGS_EQUAL(3, receivers.leader()->fix->mode);
	CHECK(receivers.next(now) == lost + Receivers::hold);
	now += Receivers::hold;
	receivers.choose(now);
	LONGS_EQUAL(1, receivers.leader()->fix->mode);
	CHECK(receivers.leader()->arrived == lost);
}

TEST(fix, stale_is_told_by_our_clock_and_never_before_three_cycles)
{
	Device slow = device_of("a");
	slow.cycle = 10;
	receivers.set_device(slow);
	take(fix_of("a", 3));
	CHECK(receivers.stale_after(*receivers.leader()) == 30s);
	slow.cycle = 1e9; // hostile, or broken
	receivers.set_device(slow);
	CHECK(receivers.stale_after(*receivers.leader()) == 180s);
	receivers.set_device(device_of("a"));
	CHECK(receivers.stale_after(*receivers.leader()) == 5s);
	now += 5s;
	CHECK(!receivers.is_stale(*receivers.leader(), now));
	CHECK(receivers.next(now).value() > now);
	now += 2ms;
	CHECK(receivers.is_stale(*receivers.leader(), now));
	CHECK(!receivers.next(now));
}

TEST(fix, a_sky_without_satellites_keeps_the_last_ones_for_a_while)
{
	receivers.take(sky_of(8, 1.5), now);
	now += 1s;
	receivers.take(sky_of(0), now);
	const Sky &kept = *receivers.all().at("").sky;
	LONGS_EQUAL(8, kept.satellites.size());
	CHECK(kept.nSat == 8);
	DOUBLES_EQUAL(1.5, kept.hdop, 0);
	now += Receivers::satellites_kept;
	receivers.take(sky_of(0), now);
	LONGS_EQUAL(0, receivers.all().at("").sky->satellites.size());
	CHECK(receivers.all().at("").sky->nSat == 0);
}

TEST(fix, a_flood_of_devices_is_bounded)
{
	for (int i = 0; i < 1000; ++i) receivers.take(fix_of(std::to_string(i), 3), now);
	LONGS_EQUAL(Receivers::max_receivers, receivers.all().size());
	CHECK(!receivers.take(fix_of("one more", 3), now));
}
