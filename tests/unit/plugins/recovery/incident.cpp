// What survives of an incident.
#include <recovery/incident.hpp>

#include <CppUTest/TestHarness.h>

using namespace recovery;

TEST_GROUP(RecoveryIncident){};

TEST(RecoveryIncident, comes_back_from_its_record_with_what_ran_cut_off)
{
	Incident i;
	i.id = 7;
	i.name = "GPSD_DOWN";
	i.topic = "gps/link";
	i.since = 1'000;
	i.state = Incident::State::recovering;
	i.topics = {"gps/link", "procs/gpsd"};
	i.joined = 3;
	i.add({2'000, "procs.restart gpsd", "failed: x"});
	i.add({3'000, "procs.restart gpsd", "running"});
	const Incident back = from_record(to_record(i).get());
	LONGS_EQUAL(7, back.id);
	CHECK(back.state == Incident::State::open);
	LONGS_EQUAL(2, back.topics.size());
	LONGS_EQUAL(2, back.attempts.size());
	STRCMP_EQUAL("failed: x", back.attempts[0].result.c_str());
	STRCMP_CONTAINS("cut off", back.attempts[1].result.c_str());
}

TEST(RecoveryIncident, bears_a_record_that_is_not_one)
{
	for (const char *text : {"null", "5", "{}", R"({"id":"x","state":99,"attempts":5,"topics":[1,null]})"}) from_record(pb::Json::parse(text).get());
}

TEST(RecoveryIncident, keeps_the_newest_attempts)
{
	Incident i;
	for (int n = 0; n < 100; ++n) i.add({n, "x", "failed"});
	LONGS_EQUAL(20, i.attempts.size());
	LONGS_EQUAL(99, i.attempts.back().time);
}

TEST(RecoveryIncident, is_shown_as_the_interface_says)
{
	Incident i;
	i.id = 1;
	i.name = "KISMET_DOWN";
	i.since = 1'700'000'000'123;
	i.state = Incident::State::given_up;
	const pb::Json j = to_json(i);
	STRCMP_EQUAL("2023-11-14T22:13:20.123Z", std::string(pb::text_at(j.get(), "since")).c_str());
	STRCMP_EQUAL("given up", std::string(pb::text_at(j.get(), "state")).c_str());
	CHECK(json_is_array(pb::at(j.get(), "attempts")));
}
