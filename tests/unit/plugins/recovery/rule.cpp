// What counts as bad, and of what class it is.
#include <recovery/rule.hpp>

#include <CppUTest/TestHarness.h>

using namespace recovery;

namespace {

pb::Json json(const char *text)
{
	std::string why;
	pb::Json j = pb::Json::parse(text, &why);
	CHECK_TEXT(static_cast<bool>(j), why.c_str());
	return j;
}
bool does_hold(const char *value, const char *wanted) { return holds(json(value).get(), json(wanted).get()); }

Rule rule(const char *name, const char *topic, const char *when, const char *process = nullptr)
{
	Rule r{};
	r.name = name;
	r.topic = topic;
	r.when = json(when);
	if (process) r.process = process;
	return r;
}
std::string class_of(const Rules &rules, const char *topic, const char *value)
{
	const pb::Json v = json(value); // kept: the rule is only looked up by it
	const Rule *r = rules.classify(topic, v.get());
	return r ? r->name : "good";
}

} // namespace

TEST_GROUP(RecoveryRule){};

TEST(RecoveryRule, what_is_wanted_may_be_a_part_of_the_value)
{
	CHECK(does_hold(R"({"state":"down","reason":"x"})", R"({"state":"down"})"));
	CHECK(does_hold(R"({"state":"down"})", "{}"));
	CHECK(!does_hold(R"({"state":"up"})", R"({"state":"down"})"));
	CHECK(!does_hold(R"({"reason":"x"})", R"({"state":"down"})"));
	CHECK(does_hold(R"({"a":{"b":1,"c":2}})", R"({"a":{"b":1.0}})"));
	CHECK(!does_hold(R"({"a":1})", R"({"a":{"b":1}})"));
	CHECK(does_hold(R"({"state":"failed"})", R"({"state":["down","failed"]})"));
	CHECK(!does_hold(R"({"state":"up"})", R"({"state":["down","failed"]})"));
	CHECK(does_hold(R"({})", R"({"pid":null})"));
	CHECK(does_hold(R"({"pid":null})", R"({"pid":null})"));
	CHECK(!does_hold("5", R"({"a":1})"));
	CHECK(does_hold("true", "true"));
}

TEST(RecoveryRule, patterns_choose_topics_as_subscriptions_do)
{
	CHECK(matches("gps/link", "gps/link"));
	CHECK(!matches("gps/link", "gps/links"));
	CHECK(matches("procs/*", "procs/kismet"));
	CHECK(!matches("procs/*", "procs"));
	CHECK(!matches("procs/*", "procs/a/b"));
	CHECK(matches("*/incident", "netif/incident"));
	CHECK(!matches("*/incident", "incident"));
	CHECK(matches("**", "a/b/c"));
	CHECK(matches("a/**", "a/b/c"));
	CHECK(matches("a/**", "a"));
	CHECK(matches("**/link", "a/b/link"));
	CHECK(matches("**/link", "link"));
	CHECK(!matches("**/link", "a/links"));
	CHECK(!matches("a/*/c", "a/b"));
}

TEST(RecoveryRule, the_first_that_matches_classifies)
{
	std::vector<Rule> own;
	own.push_back(rule("FIRST", "x/link", R"({"state":"down","port":1})"));
	own.push_back(rule("SECOND", "x/*", R"({"state":"down"})"));
	const Rules rules(std::move(own), false);
	STRCMP_EQUAL("FIRST", class_of(rules, "x/link", R"({"state":"down","port":1})").c_str());
	STRCMP_EQUAL("SECOND", class_of(rules, "x/link", R"({"state":"down","port":2})").c_str());
	STRCMP_EQUAL("good", class_of(rules, "x/link", R"({"state":"up"})").c_str());
}

TEST(RecoveryRule, the_defaults_know_what_the_field_kit_meets)
{
	const Rules rules({}, true);
	const auto is = [&](const char *topic, const char *value) { return class_of(rules, topic, value); };
	STRCMP_EQUAL("GPSD_DOWN", is("gps/link", R"({"state":"down"})").c_str());
	STRCMP_EQUAL("good", is("gps/link", R"({"state":"connecting"})").c_str());
	STRCMP_EQUAL("KISMET_DOWN", is("kismet/link", R"({"state":"down"})").c_str());
	STRCMP_EQUAL("GPSD_DOWN", is("x/incident", R"({"code":"ECONNREFUSED","port":2947})").c_str());
	STRCMP_EQUAL("KISMET_DOWN", is("x/incident", R"({"code":"ECONNREFUSED","port":2501})").c_str());
	STRCMP_EQUAL("UNKNOWN", is("x/incident", R"({"code":"ECONNREFUSED","port":80})").c_str());
	STRCMP_EQUAL("PROCESS_NOT_FOUND", is("procs/incident", R"({"code":"ESRCH"})").c_str());
	STRCMP_EQUAL("PERMISSION_DENIED", is("x/incident", R"({"code":"EACCES"})").c_str());
	STRCMP_EQUAL("PERMISSION_DENIED", is("x/incident", R"({"message":"open /dev/x: Permission denied"})").c_str());
	STRCMP_EQUAL("INTERFACE_LOST", is("netif/incident", R"({"class":"INTERFACE_LOST","message":"wlan2 went"})").c_str());
	STRCMP_EQUAL("DISK_FULL", is("x/incident", R"({"message":"write: No space left on device"})").c_str());
	STRCMP_EQUAL("UNKNOWN", is("x/incident", R"({"message":"?"})").c_str());
	STRCMP_EQUAL("UNKNOWN", is("procs/other", R"({"state":"failed"})").c_str());
	STRCMP_EQUAL("good", is("procs/other", R"({"state":"stopped"})").c_str());
	// A failed process is of the class of the rule that is about it.
	STRCMP_EQUAL("KISMET_DOWN", is("procs/kismet", R"({"state":"failed"})").c_str());
	STRCMP_EQUAL("GPSD_DOWN", is("procs/gpsd", R"({"state":"failed"})").c_str());
}

TEST(RecoveryRule, a_configured_class_replaces_the_default_one)
{
	std::vector<Rule> own;
	own.push_back(rule("KISMET_DOWN", "kismet/link", R"({"state":"refused"})"));
	own.back().call = "procs.restart";
	own.back().args = json(R"({"name":"kis"})");
	const Rules rules(std::move(own), true);
	STRCMP_EQUAL("good", class_of(rules, "kismet/link", R"({"state":"down"})").c_str());
	STRCMP_EQUAL("KISMET_DOWN", class_of(rules, "kismet/link", R"({"state":"refused"})").c_str());
	STRCMP_EQUAL("GPSD_DOWN", class_of(rules, "gps/link", R"({"state":"down"})").c_str());
	const Rule *r = rules.find("KISMET_DOWN");
	LONGS_EQUAL(1, r->steps.size());
	STRCMP_EQUAL("procs.restart", r->steps[0].call.c_str());
	STRCMP_EQUAL("kis", process_of(*r).c_str());
	STRCMP_EQUAL("KISMET_DOWN", class_of(rules, "procs/kis", R"({"state":"failed"})").c_str());
}

TEST(RecoveryRule, every_default_has_what_a_written_one_would_have)
{
	for (const Rule &r : default_rules()) {
		CHECK(!r.name.empty() && !r.topic.empty());
		CHECK(r.attempts_per_hour > 0);
		CHECK(r.back_off.count() > 0 && r.back_off_max >= r.back_off);
		CHECK(r.advice.has_value());
		for (const Step &s : r.steps) CHECK(!s.call.empty() && s.timeout.count() > 0);
		if (!r.steps.empty()) CHECK(r.verify.has_value());
	}
}
