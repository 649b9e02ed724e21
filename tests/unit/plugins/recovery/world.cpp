// What is known of topics and processes, and when it counts as well.
#include <recovery/world.hpp>

#include <CppUTest/TestHarness.h>

using namespace recovery;

TEST_GROUP(RecoveryWorld)
{
	const Rules rules{{}, true};
	World world{rules};
	World::Topic *see(const char *name, const char *value, Ms now = 0) { return world.see(name, pb::Json::parse(value).get(), now); }
};

TEST(RecoveryWorld, a_topic_is_bad_since_it_turned_bad)
{
	CHECK(see("gps/link", R"({"state":"up"})", 10)->rule == nullptr);
	World::Topic *t = see("gps/link", R"({"state":"down","reason":"a"})", 20);
	STRCMP_EQUAL("GPSD_DOWN", t->rule->name.c_str());
	CHECK(t->was_good);
	LONGS_EQUAL(20, see("gps/link", R"({"state":"down","reason":"b"})", 30)->bad_since);
	see("gps/link", R"({"state":"up"})", 40);
	LONGS_EQUAL(50, see("gps/link", R"({"state":"down"})", 50)->bad_since);
}

TEST(RecoveryWorld, on_the_way_up_is_not_yet_good)
{
	CHECK(!see("gps/link", R"({"state":"connecting"})")->was_good);
	CHECK(!see("gps/link", R"({"state":"down"})")->was_good);
	CHECK(see("gps/link", R"({"state":"up"})")->was_good);
}

TEST(RecoveryWorld, tells_a_persons_stop_from_a_failure)
{
	using P = World::Process;
	CHECK(world.process("kismet", 0) == P::unknown);
	const auto is = [&](const char *e) {
		see("procs/kismet", e);
		return world.process("kismet", 0);
	};
	CHECK(is(R"({"state":"stopped","last_exit":null})") == P::never_ran);
	CHECK(is(R"({"state":"stopped","last_exit":null,"stopped_by":"person"})") == P::stopped_on_purpose);
	CHECK(is(R"({"state":"stopped","last_exit":{"code":0},"stopped_by":"person"})") == P::stopped_on_purpose);
	CHECK(is(R"({"state":"stopped","last_exit":{"code":0}})") == P::stopped_on_purpose);
	CHECK(is(R"({"state":"stopped","last_exit":{"code":0},"stopped_by":"nobody"})") == P::other);
	CHECK(is(R"({"state":"stopped","last_exit":{"signal":"SIGTERM"},"stopped_by":"daemon"})") == P::never_ran);
	CHECK(is(R"({"state":"failed","last_exit":{"code":1},"stopped_by":"nobody"})") == P::other);
	CHECK(is(R"({"state":"failed","last_exit":{"code":1},"stopped_by":"person"})") == P::stopped_on_purpose);
	CHECK(is(R"({"state":"failed","last_exit":{"code":1}})") == P::other);
	CHECK(is(R"({"state":"stopping"})") == P::at_it);
	CHECK(is(R"({"state":"starting"})") == P::at_it);
	CHECK(is(R"({"state":"ready"})") == P::other);
}

TEST(RecoveryWorld, leaves_a_process_its_time_after_a_start)
{
	using P = World::Process;
	see("procs/gpsd", R"({"state":"ready"})", 50);
	CHECK(world.process("gpsd", 60) == P::other); // it ran before
	see("procs/gpsd", R"({"state":"starting"})", 100);
	see("procs/gpsd", R"({"state":"running"})", 200);
	see("procs/gpsd", R"({"state":"ready"})", 300);
	CHECK(world.process("gpsd", 10'100) == P::at_it);
	CHECK(world.process("gpsd", 10'200) == P::other);
	see("procs/gpsd", R"({"state":"failed"})", 5'000);
	CHECK(world.process("gpsd", 5'001) == P::other);
}

TEST(RecoveryWorld, follows_what_processes_require)
{
	see("procs/wigletotak", R"({"requires":["kismet"]})");
	see("procs/kismet", R"({"requires":["gpsd"]})");
	see("procs/gpsd", R"({"requires":["wigletotak"]})"); // a circle ends the search, too
	CHECK(world.requires_process("wigletotak", "gpsd"));
	CHECK(world.requires_process("kismet", "gpsd"));
	CHECK(!world.requires_process("kismet", "mavgps"));
	CHECK(!world.requires_process("", "gpsd"));
}

TEST(RecoveryWorld, well_is_what_the_rule_says)
{
	const Rule &gpsd = *rules.find("GPSD_DOWN");
	see("gps/link", R"({"state":"connecting"})");
	CHECK(!world.is_well(gpsd, "gps/link"));
	STRCMP_CONTAINS("connecting", world.what_is_seen(gpsd, "gps/link").c_str());
	see("gps/link", R"({"state":"up"})");
	CHECK(world.is_well(gpsd, "gps/link"));
}

TEST(RecoveryWorld, where_nobody_tells_the_topic_its_process_counts)
{
	const Rule &kismet = *rules.find("KISMET_DOWN");
	CHECK(!world.is_well(kismet, "procs/kismet"));
	see("procs/kismet", R"({"state":"failed"})");
	CHECK(!world.is_well(kismet, "procs/kismet"));
	see("procs/kismet", R"({"state":"ready"})");
	CHECK(world.is_well(kismet, "procs/kismet"));
	see("kismet/link", R"({"state":"down"})");
	CHECK(!world.is_well(kismet, "procs/kismet"));
}

TEST(RecoveryWorld, a_topic_that_is_gone_is_neither_good_nor_bad)
{
	see("gps/link", R"({"state":"down"})");
	World::Topic *t = world.see("gps/link", nullptr, 5);
	CHECK(t->rule == nullptr && !t->value);
	CHECK(world.value("gps/link") == nullptr);
}
