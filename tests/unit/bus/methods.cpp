#include "bus/methods.hpp"

#include <CppUTest/TestHarness.h>
#include <event2/event.h>

using namespace core;

TEST_GROUP(Methods)
{
	pb_call *call(pb::Json args = {})
	{
		return methods.call("m.keep", std::move(args), {}, {}, [this](Result<Outcome> outcome) {
			++told;
			status = outcome ? 200 : outcome.error().status;
		});
	}
	void add()
	{
		pb_method m{};
		m.struct_size = sizeof m;
		m.name = "m.keep";
		m.self = &kept;
		m.on_call = [](void *self, pb_call *c, const json_t *) { *static_cast<pb_call **>(self) = c; };
		CHECK(methods.add(scope, m).has_value());
	}
	void turn() { event_base_loop(reactor.base(), EVLOOP_NONBLOCK); }
	Reactor reactor;
	Methods methods{reactor};
	Scope scope{"m", reactor.core};
	pb_call *kept = nullptr;
	int told = 0, status = 0;
};

TEST(Methods, an_answer_comes_once_and_later)
{
	add();
	call();
	LONGS_EQUAL(0, told);
	turn();
	methods.reply(kept, Outcome(pb::Json(5)));
	LONGS_EQUAL(0, told);
	turn();
	LONGS_EQUAL(1, told);
	LONGS_EQUAL(200, status);
}

TEST(Methods, a_caller_that_left_hears_nothing)
{
	add();
	pb_call *mine = call();
	turn();
	methods.cancel(mine);
	methods.reply(kept, Outcome(pb::Json(5)));
	turn();
	LONGS_EQUAL(0, told);
}

TEST(Methods, a_refused_call_can_be_cancelled)
{
	methods.cancel(call());
	turn();
	LONGS_EQUAL(0, told);
}

TEST(Methods, a_caller_that_left_a_stopped_plugin_hears_nothing)
{
	add();
	pb_call *mine = call();
	turn();
	scope.clear(); // the method goes, the answer is on its way
	methods.forget(scope);
	methods.cancel(mine);
	turn();
	LONGS_EQUAL(0, told);
}

TEST(Methods, a_stopped_plugin_s_callers_are_told)
{
	add();
	call();
	turn();
	scope.clear();
	turn();
	LONGS_EQUAL(1, told);
	LONGS_EQUAL(503, status);
	methods.reply(kept, Outcome(pb::Json(5))); // to nobody
	turn();
	LONGS_EQUAL(1, told);
}
