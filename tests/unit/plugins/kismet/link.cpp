// What an answer that is no good means.
#include <kismet/link.hpp>

#include <CppUTest/TestHarness.h>

using namespace kismet;
using namespace std::chrono_literals;

TEST_GROUP(KismetLink){};

TEST(KismetLink, AnswersAreToldApart)
{
	const auto state = [](Answer::End end, int status) { return judge({end, status, "", "text"}, "GET x", 5s).state; };
	CHECK(state(Answer::End::no_connection, 0) == State::down);
	CHECK(state(Answer::End::timed_out, 0) == State::unhealthy);
	CHECK(state(Answer::End::broken, 200) == State::unhealthy);
	CHECK(state(Answer::End::whole, 401) == State::unauthorized);
	CHECK(state(Answer::End::whole, 403) == State::unauthorized);
	CHECK(state(Answer::End::whole, 500) == State::unhealthy);
	CHECK(state(Answer::End::whole, 404) == State::unhealthy);
}

TEST(KismetLink, SaysWhyAndWhatToDo)
{
	for (const int status : {401, 404, 503}) {
		const Verdict v = judge({Answer::End::whole, status, "", ""}, "GET http://127.0.0.1:2501/system/status.json", 5s);
		STRCMP_CONTAINS("GET http://127.0.0.1:2501/system/status.json", v.reason.c_str());
		STRCMP_CONTAINS(std::to_string(status).c_str(), v.reason.c_str());
		CHECK(!v.hint.empty());
	}
	Link l;
	l.state = State::unhealthy;
	l.reason = "why";
	l.since_ms = 1763900000000;
	const pb::Json j = l.json();
	CHECK(pb::text_at(j.get(), "state") == "unhealthy");
	CHECK(pb::text_at(j.get(), "since") == "2025-11-23T12:13:20.000Z");
	CHECK(json_is_null(pb::at(j.get(), "next_attempt")));
}
