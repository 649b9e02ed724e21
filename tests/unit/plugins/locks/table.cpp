// The table of locks, step by step.
#include <locks/table.hpp>

#include <CppUTest/TestHarness.h>

using namespace locks;

TEST_GROUP(LockTable)
{
	Table table{{}, 0};
	std::vector<Event> events;

	Answer ask(const char *name, const char *owner, Ms now, Ms ttl = 10'000, Ms timeout = 1'000) { return table.acquire({name, owner, timeout, ttl}, now); }
	Granted granted(const Answer &a)
	{
		CHECK_TEXT(std::holds_alternative<Granted>(a), "was not granted at once");
		return std::get<Granted>(a);
	}
	Ticket waiting(const Answer &a)
	{
		CHECK_TEXT(std::holds_alternative<Waiting>(a), "does not wait");
		return std::get<Waiting>(a).ticket;
	}
	Refusal refused(const Answer &a)
	{
		CHECK_TEXT(std::holds_alternative<Refusal>(a), "was not refused");
		return std::get<Refusal>(a);
	}
};

TEST(LockTable, a_free_lock_is_granted_at_once_with_a_growing_token)
{
	const Token first = granted(ask("a", "x", 0)).token;
	std::get<bool>(table.release("a", first, 1, events));
	const Token second = granted(ask("a", "y", 2)).token;
	CHECK(second > first);
	CHECK(events.empty());
	LONGS_EQUAL(1, table.held());
}

TEST(LockTable, those_who_wait_come_in_their_order)
{
	const Token t = granted(ask("a", "x", 0)).token;
	const Ticket y = waiting(ask("a", "y", 1)), z = waiting(ask("a", "z", 2));
	std::get<bool>(table.release("a", t, 3, events));
	LONGS_EQUAL(1, events.size());
	CHECK(events[0].kind == Event::Kind::granted);
	LONGS_EQUAL(y, events[0].ticket);
	STRCMP_EQUAL("y", events[0].owner.c_str());
	const Token second = events[0].token;
	CHECK(second > t);
	events.clear();
	std::get<bool>(table.release("a", second, 4, events));
	LONGS_EQUAL(z, events[0].ticket);
}

TEST(LockTable, a_lease_that_ends_passes_the_lock_on)
{
	granted(ask("a", "x", 0, 100));
	const Ticket y = waiting(ask("a", "y", 1));
	LONGS_EQUAL(100, *table.next_due());
	table.tick(99, events);
	CHECK(events.empty());
	table.tick(100, events);
	LONGS_EQUAL(2, events.size());
	CHECK(events[0].kind == Event::Kind::expired);
	CHECK(events[1].kind == Event::Kind::granted);
	LONGS_EQUAL(y, events[1].ticket);
}

TEST(LockTable, a_renewed_lease_lives_on_and_an_ended_one_cannot_be_renewed)
{
	const Token t = granted(ask("a", "x", 0, 100)).token;
	LONGS_EQUAL(190, *std::get<Holder>(table.renew("a", t, 0, 90)).expires);
	table.tick(150, events);
	CHECK(events.empty());
	LONGS_EQUAL(1150, *std::get<Holder>(table.renew("a", t, 1'000, 150)).expires);
	CHECK(std::get<Refusal>(table.renew("a", t, 0, 1150)).why == Refusal::Why::not_owner); // no tick has been yet
	table.tick(1150, events);
	CHECK(std::get<Refusal>(table.renew("a", t, 0, 1151)).why == Refusal::Why::not_owner);
}

TEST(LockTable, a_lock_held_by_its_connection_has_no_lease_to_renew)
{
	const Token t = granted(ask("a", "x", 0, 0)).token;
	CHECK(!table.next_due());
	CHECK(std::get<Refusal>(table.renew("a", t, 100, 5)).why == Refusal::Why::not_leased);
	LONGS_EQUAL(1, table.held());
}

TEST(LockTable, only_the_present_token_releases)
{
	const Token old = granted(ask("a", "x", 0, 100)).token;
	table.tick(100, events);
	const Token t = granted(ask("a", "y", 101)).token;
	const auto r = table.release("a", old, 102, events);
	CHECK(std::get<Refusal>(r).why == Refusal::Why::not_owner);
	STRCMP_EQUAL("y", std::get<Refusal>(r).owner.c_str());
	LONGS_EQUAL(t, table.find("a")->holder->token);
	CHECK(std::get<Refusal>(table.release("b", 1, 102, events)).why == Refusal::Why::not_owner);
}

TEST(LockTable, an_owner_that_takes_its_own_lock_again_is_refused)
{
	granted(ask("a", "x", 0));
	const Refusal r = refused(ask("a", "x", 1));
	CHECK(r.why == Refusal::Why::held);
	STRCMP_EQUAL("x", r.owner.c_str());
	LONGS_EQUAL(0, table.waiting());
}

TEST(LockTable, a_wait_ends_at_its_limit)
{
	const Token t = granted(ask("a", "x", 0)).token;
	const Ticket y = waiting(ask("a", "y", 0, 10'000, 500)), z = waiting(ask("a", "z", 0, 10'000, 900));
	table.tick(500, events);
	LONGS_EQUAL(1, events.size());
	CHECK(events[0].kind == Event::Kind::timed_out);
	LONGS_EQUAL(y, events[0].ticket);
	events.clear();
	std::get<bool>(table.release("a", t, 600, events));
	LONGS_EQUAL(z, events[0].ticket);
}

TEST(LockTable, a_limit_of_nothing_is_a_try)
{
	granted(ask("a", "x", 0));
	waiting(ask("a", "y", 5, 10'000, 0));
	table.tick(5, events);
	LONGS_EQUAL(1, events.size());
	CHECK(events[0].kind == Event::Kind::timed_out);
}

TEST(LockTable, who_leaves_is_out_of_the_line_and_a_holder_that_leaves_passes_it_on)
{
	const Ticket x = granted(ask("a", "x", 0, 0)).ticket;
	const Ticket y = waiting(ask("a", "y", 0)), z = waiting(ask("a", "z", 0));
	CHECK(table.leave(y, 1, events));
	CHECK(!table.leave(y, 1, events));
	CHECK(events.empty());
	std::size_t ahead = 9;
	STRCMP_EQUAL("a", table.where(z, &ahead)->name.c_str());
	LONGS_EQUAL(0, ahead);
	CHECK(table.leave(x, 2, events));
	LONGS_EQUAL(z, events[0].ticket);
	CHECK(table.where(y) == nullptr);
}

TEST(LockTable, a_cycle_of_two_is_refused_and_named)
{
	granted(ask("a", "x", 0));
	granted(ask("b", "y", 0));
	waiting(ask("b", "x", 1));
	const Refusal r = refused(ask("a", "y", 2));
	CHECK(r.why == Refusal::Why::deadlock);
	LONGS_EQUAL(2, r.cycle.size());
	STRCMP_EQUAL("y", r.cycle[0].owner.c_str());
	STRCMP_EQUAL("a", r.cycle[0].waits_for.c_str());
	STRCMP_EQUAL("x", r.cycle[1].owner.c_str());
	STRCMP_EQUAL("b", r.cycle[1].waits_for.c_str());
	LONGS_EQUAL(1, table.waiting());
}

TEST(LockTable, a_long_cycle_is_found_however_long)
{
	const auto name = [](char what, int i) { return what + std::to_string(i); };
	for (int i = 0; i < 100; ++i) granted(ask(name('L', i).c_str(), name('o', i).c_str(), 0));
	for (int i = 0; i < 99; ++i) waiting(ask(name('L', i + 1).c_str(), name('o', i).c_str(), 1));
	const Refusal r = refused(ask("L0", "o99", 2));
	CHECK(r.why == Refusal::Why::deadlock);
	LONGS_EQUAL(100, r.cycle.size());
}

TEST(LockTable, a_cycle_through_the_line_is_found)
{
	// y stands before x in the line for a, and waits for b, that x holds: x behind y would never end.
	granted(ask("a", "h", 0));
	granted(ask("b", "x", 0));
	waiting(ask("a", "y", 1));
	waiting(ask("b", "y", 2));
	const Refusal r = refused(ask("a", "x", 3));
	CHECK(r.why == Refusal::Why::deadlock);
	STRCMP_EQUAL("x", r.cycle[0].owner.c_str());
	STRCMP_EQUAL("y", r.cycle[1].owner.c_str());
	STRCMP_EQUAL("b", r.cycle[1].waits_for.c_str());
}

TEST(LockTable, a_chain_without_a_circle_is_no_deadlock)
{
	granted(ask("a", "x", 0));
	granted(ask("b", "y", 0));
	waiting(ask("b", "x", 1));
	waiting(ask("a", "z", 1));
	waiting(ask("b", "z", 1));
	waiting(ask("a", "z", 1)); // one owner may stand twice in a line: two hands of it
	LONGS_EQUAL(4, table.waiting());
}

TEST(LockTable, a_cycle_that_time_has_cut_is_none)
{
	granted(ask("a", "x", 0, 50));
	granted(ask("b", "y", 0));
	waiting(ask("b", "x", 1));
	table.tick(50, events); // x has lost a
	granted(ask("a", "y", 51));
}

TEST(LockTable, bounds_hold)
{
	Table small({.names = 2, .waiters = 1}, 0);
	std::get<Granted>(small.acquire({"a", "x", 10, 10}, 0));
	std::get<Granted>(small.acquire({"b", "x", 10, 10}, 0));
	CHECK(std::get<Refusal>(small.acquire({"c", "x", 10, 10}, 0)).why == Refusal::Why::too_many_names);
	std::get<Waiting>(small.acquire({"a", "y", 10, 10}, 0));
	CHECK(std::get<Refusal>(small.acquire({"a", "z", 10, 10}, 0)).why == Refusal::Why::too_many_waiters);
	small.tick(10, events);
	small.tick(20, events);
	CHECK(small.all().empty()); // names without a holder are forgotten
	std::get<Granted>(small.acquire({"c", "x", 10, 10}, 21));
}

TEST(LockTable, a_lease_put_back_keeps_holder_token_and_end)
{
	Table next({}, 100);
	CHECK(next.restore("a", {0, "x", 42, 0, 1'000, 700}));
	CHECK(!next.restore("a", {0, "y", 43, 0, 1'000, 700}));
	CHECK(std::get<Refusal>(next.acquire({"a", "x", 10, 10}, 0)).why == Refusal::Why::held);
	const Ticket y = std::get<Waiting>(next.acquire({"a", "y", 5'000, 10}, 0)).ticket;
	LONGS_EQUAL(700, *next.next_due());
	next.tick(700, events);
	LONGS_EQUAL(y, events.back().ticket);
	CHECK(events.back().token > 100);
}

TEST(LockTable, a_thousand_waiters_that_all_hold_something_are_searched_in_good_time)
{
	granted(ask("hot", "o", 0));
	for (int i = 0; i < 2'000; ++i) {
		const std::string own = "own" + std::to_string(i), owner = "w" + std::to_string(i);
		granted(ask(own.c_str(), owner.c_str(), 0));
		waiting(ask("hot", owner.c_str(), 0));
	}
	CHECK(refused(ask("own1999", "o", 1)).why == Refusal::Why::deadlock);
}
