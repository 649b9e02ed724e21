// Random interleavings of acquire, release, renew, leave, time and crash against a plain model, with the invariants checked
// after each step: never two holders, never a lost waiter, first come first served, tokens only grow.
// PATCHBAY_LOCK_ROUNDS: how many runs (2,000 unless set); PATCHBAY_LOCK_SEED: where they begin.
#include <locks/table.hpp>

#include <CppUTest/TestHarness.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <memory>
#include <random>

using namespace locks;

namespace {

struct Asked {
	Ticket ticket;
	std::string owner;
	Ms deadline, ttl;
};
struct Held {
	Asked who;
	Token token;
	Ms ends;
}; // ends: leases only
struct ModelLock {
	std::optional<Held> held;
	std::deque<Asked> line;
};

/// What should be, kept in the simplest way.
class Model final {
public:
	explicit Model(unsigned seed) : dice(seed) {}
	void run(int steps)
	{
		for (int i = 0; i < steps; ++i) {
			step();
			check();
		}
		finish();
	}

private:
	int roll(int n) { return static_cast<int>(dice() % static_cast<unsigned>(n)); }
	std::string name() { return std::string(1, static_cast<char>('a' + roll(4))); }
	std::string owner() { return "o" + std::to_string(roll(6)); }

	void step()
	{
		switch (roll(12)) {
		case 0:
		case 1:
		case 2:
		case 3:
		case 4: return acquire();
		case 5:
		case 6: return release();
		case 7: return renew();
		case 8: return leave();
		case 9:
		case 10: now += roll(400); return tick();
		default:
			if (roll(8) == 0) crash();
			return;
		}
	}

	void acquire()
	{
		tick();
		const Ask ask{name(), owner(), roll(3) == 0 ? 0 : roll(2'000), roll(3) == 0 ? 0 : 100 + roll(1'000)};
		const Answer a = table->acquire(ask, now);
		ModelLock &lock = model[ask.name];
		if (const auto *g = std::get_if<Granted>(&a)) {
			CHECK_TEXT(!lock.held, "granted while held");
			take(lock, {g->ticket, ask.owner, 0, ask.ttl}, g->token);
		} else if (const auto *w = std::get_if<Waiting>(&a)) {
			CHECK_TEXT(lock.held.has_value(), "waits for a free lock");
			lock.line.push_back({w->ticket, ask.owner, now + ask.timeout, ask.ttl});
			CHECK_TEXT(!circle_through(ask.owner, ask.name), "waits in a circle");
		} else {
			const auto &r = std::get<Refusal>(a);
			CHECK_TEXT(lock.held.has_value(), "a free lock was refused");
			if (r.why == Refusal::Why::held) {
				STRCMP_EQUAL(ask.owner.c_str(), lock.held->who.owner.c_str());
			} else {
				CHECK(r.why == Refusal::Why::deadlock);
				lock.line.push_back({0, ask.owner, 0, 0});
				CHECK_TEXT(circle_through(ask.owner, ask.name), "refused without a circle");
				lock.line.pop_back();
				check_cycle(r, ask);
			}
		}
		tick();
	}
	void check_cycle(const Refusal &r, const Ask &ask)
	{
		CHECK(r.cycle.size() >= 2);
		STRCMP_EQUAL(ask.owner.c_str(), r.cycle.front().owner.c_str());
		STRCMP_EQUAL(ask.name.c_str(), r.cycle.front().waits_for.c_str());
		for (std::size_t i = 0; i < r.cycle.size(); ++i) { // each is in the way of the one before it
			const ModelLock &lock = model[r.cycle[i].waits_for];
			const std::string &next = r.cycle[(i + 1) % r.cycle.size()].owner;
			bool is_in_the_way = lock.held && lock.held->who.owner == next;
			for (const Asked &w : lock.line) is_in_the_way = is_in_the_way || w.owner == next;
			CHECK_TEXT(is_in_the_way, "a link of the cycle does not hold");
		}
	}
	/// Depth first over owners, in the simplest way.
	bool circle_through(const std::string &asked, const std::string &last)
	{
		std::vector<std::string> open{asked}, seen{asked};
		bool is_first = true;
		while (!open.empty()) {
			const std::string by = open.back();
			open.pop_back();
			for (auto &[lock_name, lock] : model) {
				// Only the new wait counts in the first step: the others had no circle when they began.
				if (is_first && lock_name != last) continue;
				std::size_t end = lock.line.size();
				while (end > 0 && lock.line[end - 1].owner != by) --end;
				if (end == 0) continue;
				std::vector<std::string> blockers{lock.held->who.owner};
				for (std::size_t i = 0; i + 1 < end; ++i) blockers.push_back(lock.line[i].owner);
				for (const std::string &b : blockers) {
					if (b == asked && lock_name != last) return true; // its own earlier ask in this line is none
					if (std::find(seen.begin(), seen.end(), b) == seen.end()) {
						seen.push_back(b);
						open.push_back(b);
					}
				}
			}
			is_first = false;
		}
		return false;
	}

	void release()
	{
		tick();
		const std::string n = name();
		ModelLock &lock = model[n];
		const bool is_right = lock.held && roll(4) != 0;
		const Token token = is_right ? lock.held->token : static_cast<Token>(roll(1'000));
		const bool is_holder = lock.held && lock.held->token == token;
		const auto r = table->release(n, token, now, events);
		CHECK_EQUAL(is_holder, std::holds_alternative<bool>(r));
		if (is_holder) lock.held.reset();
		settle();
	}
	void renew()
	{
		tick();
		const std::string n = name();
		ModelLock &lock = model[n];
		const auto r = table->renew(n, lock.held ? lock.held->token : 7, 0, now);
		CHECK_EQUAL(lock.held && lock.held->who.ttl != 0, std::holds_alternative<Holder>(r));
		if (lock.held && lock.held->who.ttl != 0) lock.held->ends = now + lock.held->who.ttl;
	}
	void leave()
	{
		tick();
		ModelLock &lock = model[name()];
		if (!lock.line.empty() && roll(2) == 0) {
			const auto i = lock.line.begin() + roll(static_cast<int>(lock.line.size()));
			const Ticket ticket = i->ticket;
			lock.line.erase(i);
			CHECK(table->leave(ticket, now, events));
		} else if (lock.held) {
			const Ticket ticket = lock.held->who.ticket;
			lock.held.reset();
			CHECK(table->leave(ticket, now, events));
		}
		settle();
	}
	void tick()
	{
		table->tick(now, events);
		settle();
	}

	/// kill -9: what was recorded is what held leases have; waits and connections are gone.
	void crash()
	{
		tick();
		high_water = std::max(high_water, last_token) + static_cast<Token>(roll(100)); // reserved ahead, never less than given
		table = std::make_unique<Table>(Limits{}, high_water);
		for (auto &[n, lock] : model) {
			lock.line.clear();
			if (!lock.held) continue;
			if (lock.held->who.ttl == 0) {
				lock.held.reset();
				continue;
			}
			CHECK(table->restore(n, {0, lock.held->who.owner, lock.held->token, 0, lock.held->who.ttl, lock.held->ends}));
			lock.held->who.ticket = table->find(n)->holder->ticket;
		}
	}

	void take(ModelLock &lock, Asked who, Token token)
	{
		CHECK_TEXT(token > last_token, "a token did not grow");
		CHECK_TEXT(token > high_water, "a token from before a restart came again");
		last_token = token;
		lock.held = Held{std::move(who), token, now};
		lock.held->ends = now + lock.held->who.ttl;
	}
	/// Follows what the table says has happened.
	void settle()
	{
		for (const Event &e : events) {
			ModelLock &lock = model[e.name];
			if (e.kind == Event::Kind::expired) {
				CHECK(lock.held && lock.held->who.ticket == e.ticket && lock.held->who.ttl != 0);
				CHECK_TEXT(lock.held->ends <= now, "a lease ended early");
				lock.held.reset();
			} else if (e.kind == Event::Kind::timed_out) {
				const auto i = std::find_if(lock.line.begin(), lock.line.end(), [&](const Asked &a) { return a.ticket == e.ticket; });
				CHECK_TEXT(i != lock.line.end(), "one timed out that did not wait");
				CHECK_TEXT(i->deadline <= now, "a wait ended early");
				lock.line.erase(i);
			} else {
				CHECK_TEXT(!lock.held, "two holders");
				CHECK_TEXT(!lock.line.empty() && lock.line.front().ticket == e.ticket, "not the first in line");
				const Asked who = lock.line.front();
				lock.line.pop_front();
				take(lock, who, e.token);
			}
		}
		events.clear();
	}
	void check()
	{
		std::size_t held = 0, waiting = 0;
		for (const auto &[n, lock] : model) {
			held += lock.held.has_value();
			waiting += lock.line.size();
			CHECK_TEXT(lock.held || lock.line.empty(), "somebody waits for a free lock: a lost waiter");
			const Table::Lock *real = table->find(n);
			CHECK_EQUAL(lock.held.has_value(), real != nullptr);
			if (!real) continue;
			LONGS_EQUAL(lock.held->token, real->holder->token);
			LONGS_EQUAL(lock.line.size(), real->queue.size());
			auto w = real->queue.begin();
			for (const Asked &a : lock.line) LONGS_EQUAL(a.ticket, (w++)->ticket);
		}
		LONGS_EQUAL(held, table->held());
		LONGS_EQUAL(waiting, table->waiting());
	}
	/// With enough time everything ends: nobody is left in the table->
	void finish()
	{
		for (int i = 0; i < 20; ++i) {
			now += 10'000;
			tick();
			for (auto &[n, lock] : model)
				if (lock.held) {
					const Token token = lock.held->token;
					lock.held.reset();
					CHECK(std::holds_alternative<bool>(table->release(n, token, now, events)));
					settle();
				}
		}
		check();
		CHECK(table->all().empty());
		CHECK(!table->next_due());
	}

	std::mt19937 dice;
	Ms now = 0;
	Token last_token = 0, high_water = 0;
	std::unique_ptr<Table> table = std::make_unique<Table>(Limits{}, 0);
	std::map<std::string, ModelLock> model;
	std::vector<Event> events;
};

unsigned from_environment(const char *name, unsigned fallback)
{
	const char *v = std::getenv(name);
	return v ? static_cast<unsigned>(std::strtoul(v, nullptr, 10)) : fallback;
}

} // namespace

TEST_GROUP(LockInterleavings){};

TEST(LockInterleavings, keep_the_invariants)
{
	const unsigned rounds = from_environment("PATCHBAY_LOCK_ROUNDS", 2'000), first = from_environment("PATCHBAY_LOCK_SEED", 1);
	for (unsigned seed = first; seed < first + rounds; ++seed) {
		UNSIGNED_LONGS_EQUAL_TEXT(seed, seed, "seed");
		Model(seed).run(120);
	}
}
