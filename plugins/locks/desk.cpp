#include "desk.hpp"
#include "clock.hpp"

#include <fmt/format.h>

#include <algorithm>

using namespace std::chrono_literals;

namespace locks {

namespace {
pb::Error stopping() { return {503, "", "the locks plugin stops; ask again"}; }
} // namespace

Desk::Desk(pb::Scope &scope_, Limits limits)
	: store(scope_), scope(scope_), table(limits, 0), summary(scope_, "locks/summary", "how many locks are held, and how many ask and wait"),
	  changes(scope_, "locks/changes", "what happens to a lock: granted, released, expired, left, timeout, deadlock, lost", PB_TRANSIENT,
		  pb::bind<&Desk::on_watched>(this)),
	  due(scope_, pb::bind<&Desk::on_due>(this)), beat(scope_, pb::bind<&Desk::on_beat>(this)), summary_timer(scope_, pb::bind<&Desk::on_summary>(this))
{}

void Desk::load(std::function<void(std::vector<Store::FileRecord>)> on_loaded)
{
	store.load([this, on_loaded = std::move(on_loaded)](Store::Loaded loaded) {
		table.set_newest_token(loaded.last_token);
		for (auto &[name, lease] : loaded.leases) table.restore(name, lease);
		if (table.held() != 0) scope.info(fmt::format("{} locks of before the restart are held on", table.held()));
		on_loaded(std::move(loaded.files));
		is_loaded = true;
		settle();
		for (const auto &then : std::exchange(early, {})) then();
		on_summary();
	});
}

void Desk::when_loaded(std::function<void()> then)
{
	if (is_loaded) then();
	else early.push_back(std::move(then));
}

void Desk::ask(std::unique_ptr<Client> client, Ask ask)
{
	if (is_loaded) return admit(std::move(client), ask);
	// std::function wants what can be copied.
	when_loaded([this, c = std::make_shared<std::unique_ptr<Client>>(std::move(client)), a = std::move(ask)] { admit(std::move(*c), a); });
}

void Desk::admit(std::unique_ptr<Client> client, const Ask &ask)
{
	if (client->has_left) return;
	if (is_closed) return client->on_refused(stopping());
	settle();
	const Answer answer = table.acquire(ask, lease_clock());
	if (const auto *refusal = std::get_if<Refusal>(&answer)) {
		if (refusal->why == Refusal::Why::deadlock) tell("deadlock", ask.name, ask.owner, 0);
		return client->on_refused(to_error(*refusal, ask.name, ask.owner));
	}
	const auto *granted = std::get_if<Granted>(&answer);
	const Ticket ticket = granted ? granted->ticket : std::get<Waiting>(answer).ticket;
	client->ticket = ticket;
	Client &c = *client;
	clients.emplace(ticket, std::move(client));
	if (c.wants_to_know()) beat.once(1s);
	std::size_t ahead = 0;
	const Table::Lock *lock = table.where(ticket, &ahead);
	if (granted) grant(ticket, *lock);
	else c.on_waiting(*lock, ahead);
	settle();
}

void Desk::grant(Ticket ticket, const Table::Lock &lock)
{
	tell("granted", lock.name, lock.holder->owner, lock.holder->token);
	store.record(lock.name, *lock.holder, [this, ticket](const std::optional<pb::Error> &failed) { on_recorded(ticket, failed); });
}

void Desk::on_recorded(Ticket ticket, const std::optional<pb::Error> &failed)
{
	const auto i = clients.find(ticket);
	if (i == clients.end()) return; // it has left meanwhile, or its lease was shorter than the disk was slow
	if (failed) {
		const Table::Lock *lock = table.where(ticket);
		const std::string name = lock->name;
		const Token token = lock->holder->token;
		table.leave(ticket, lease_clock(), events);
		ended(name, token, true);
		refuse(ticket, *failed);
		return settle();
	}
	const Table::Lock &lock = *table.where(ticket);
	if (!i->second->on_granted(lock.name, *lock.holder)) return;
	clients.erase(ticket); // it may be gone within the call
}

void Desk::refuse(Ticket ticket, const pb::Error &why)
{
	const auto i = clients.find(ticket);
	if (i == clients.end()) return;
	const std::unique_ptr<Client> client = std::move(i->second);
	clients.erase(i);
	client->on_refused(why);
}

/// What was held with `token` is over. The next holder's record is written after this.
void Desk::ended(const std::string &name, Token token, bool was_recorded)
{
	if (was_recorded) store.forget(name);
	if (on_ended) on_ended(name, token);
}

void Desk::settle()
{
	table.tick(lease_clock(), events);
	while (!events.empty()) {
		const std::vector<Event> now = std::exchange(events, {});
		for (const Event &e : now) {
			if (e.kind == Event::Kind::granted) {
				// It may be over again: its lease may have been over within the same tick.
				if (const Table::Lock *lock = table.where(e.ticket)) grant(e.ticket, *lock);
			} else if (e.kind == Event::Kind::timed_out) {
				tell("timeout", e.name, e.owner, 0);
				refuse(e.ticket, timed_out(e.name));
			} else {
				tell("expired", e.name, e.owner, e.token);
				ended(e.name, e.token, true);
				refuse(e.ticket, pb::Error(503, "", fmt::format("lock {}: its lease was over before it could be recorded", e.name)));
			}
		}
	}
	if (!is_summary_due) {
		is_summary_due = true;
		summary_timer.once(100ms);
	}
	arm();
}

pb::Error Desk::timed_out(const std::string &name) const
{
	const Table::Lock *lock = table.find(name);
	if (!lock || !lock->holder) return pb::Error(408, "LOCK_TIMEOUT", fmt::format("lock {}: not granted in time", name));
	return pb::Error(408, "LOCK_TIMEOUT",
		fmt::format("lock {}: not granted in time; {} holds it since {}", name, lock->holder->owner, iso_time(lock->holder->since)),
		{{"holder", to_json(name, *lock->holder)}});
}

void Desk::gone(Ticket ticket)
{
	std::unique_ptr<Client> client; // deleted last: it may be the one that calls
	if (const auto i = clients.find(ticket); i != clients.end()) {
		client = std::move(i->second);
		clients.erase(i);
	}
	const Table::Lock *lock = table.where(ticket);
	if (!lock) return;
	const std::string name = lock->name;
	const bool is_holder = lock->holder && lock->holder->ticket == ticket;
	const std::optional<Holder> holder = is_holder ? lock->holder : std::nullopt;
	table.leave(ticket, lease_clock(), events);
	if (is_holder) {
		tell("left", name, holder->owner, holder->token);
		ended(name, holder->token, holder->expires.has_value());
	}
	settle();
}

void Desk::close() noexcept
{
	is_closed = true;
	early.clear();
	for (const auto &[ticket, client] : std::exchange(clients, {})) client->on_refused(stopping());
}

void Desk::release(const std::string &name, Token token, Store::Done done, const char *what)
{
	when_loaded([this, name, token, done = std::move(done), what] {
		settle();
		const Table::Lock *lock = table.find(name);
		const std::optional<Holder> holder = lock ? lock->holder : std::nullopt;
		const auto answer = table.release(name, token, lease_clock(), events);
		if (const auto *refusal = std::get_if<Refusal>(&answer)) return done(to_error(*refusal, name, ""));
		tell(what, name, holder->owner, token);
		if (holder->expires) store.forget(name, done);
		if (on_ended) on_ended(name, token);
		refuse(holder->ticket, pb::Error(409, "NOT_OWNER", fmt::format("lock {}: released", name))); // it held by its connection
		settle();                                                                                    // the next one's record comes after
		if (!holder->expires) done({});
	});
}

void Desk::renew(const std::string &name, Token token, Ms ttl, Renewed done)
{
	when_loaded([this, name, token, ttl, done = std::move(done)] {
		settle();
		const auto answer = table.renew(name, token, ttl, lease_clock());
		arm();
		if (const auto *refusal = std::get_if<Refusal>(&answer)) return done(to_error(*refusal, name, ""));
		const auto &holder = std::get<Holder>(answer);
		store.record(name, holder, [holder, done](const std::optional<pb::Error> &failed) { failed ? done(*failed) : done(holder); });
	});
}

pb::Json Desk::list()
{
	settle();
	pb::Json locks = pb::Json::array();
	for (const auto &[name, lock] : table.all()) {
		pb::Json waiting = pb::Json::array();
		for (const Waiter &w : lock->queue) waiting.push({{"owner", w.owner}, {"since", iso_time(w.since)}});
		pb::Json entry = to_json(name, *lock->holder);
		entry.set("waiting", std::move(waiting));
		locks.push(std::move(entry));
	}
	return {{"locks", std::move(locks)}};
}

void Desk::tell(const char *what, const std::string &name, const std::string &owner, Token token)
{
	if (is_told) changes.publish({{"event", what}, {"name", name}, {"owner", owner}, {"token", token != 0 ? pb::Json(token) : pb::Json(nullptr)}});
}

void Desk::arm()
{
	const auto next = table.next_due();
	if (next == armed) return;
	armed = next;
	if (next) due.once(std::chrono::milliseconds(std::max<Ms>(1, *next - lease_clock())));
	else due.stop();
}

void Desk::on_due() noexcept
{
	armed.reset();
	settle();
}

void Desk::on_beat() noexcept
{
	bool does_one_wait = false, does_one_hold = false;
	for (const auto &[ticket, client] : clients) { // neither call takes one away: a broken stream is told later
		if (!client->wants_to_know()) continue;
		std::size_t ahead = 0;
		const Table::Lock *lock = table.where(ticket, &ahead);
		if (lock && lock->holder && lock->holder->ticket == ticket) {
			does_one_hold = true;
			client->on_holding();
		} else if (lock) {
			does_one_wait = true;
			client->on_waiting(*lock, ahead);
		}
	}
	if (does_one_wait || does_one_hold) beat.once(does_one_wait ? 1s : 15s);
}

void Desk::on_summary() noexcept
{
	is_summary_due = false;
	summary.publish({{"held", table.held()}, {"waiting", table.waiting()}});
}

pb::Error to_error(const Refusal &r, const std::string &name, const std::string &owner)
{
	using Why = Refusal::Why;
	switch (r.why) {
	case Why::held: return {409, "LOCK_HELD", fmt::format("lock {}: {} holds it already; it is not given twice, release it first", name, owner)};
	case Why::deadlock: {
		pb::Json cycle = pb::Json::array();
		std::string text;
		for (const Link &l : r.cycle) {
			text += fmt::format("{} waits for {}, ", l.owner, l.waits_for);
			cycle.push({{"owner", l.owner}, {"waits_for", l.waits_for}});
		}
		return {409, "LOCK_DEADLOCK",
			fmt::format("lock {}: {} would wait for ever: {}which {} holds or stands in line for; release that first", name, owner, text, owner),
			{{"cycle", std::move(cycle)}}};
	}
	case Why::too_many_names: return {503, "LOCKS_FULL", fmt::format("lock {}: too many locks are held at once ([plugins.locks] max_names)", name)};
	case Why::too_many_waiters: return {503, "LOCKS_FULL", fmt::format("lock {}: too many wait already ([plugins.locks] max_waiters)", name)};
	case Why::not_leased: return {409, "NOT_LEASED", fmt::format("lock {}: {} holds it by its connection; there is no lease to renew", name, r.owner)};
	case Why::not_owner: break;
	}
	if (r.owner.empty()) return {409, "NOT_OWNER", fmt::format("lock {}: nobody holds it; this token's lease has ended, or it was released", name)};
	return {409, "NOT_OWNER", fmt::format("lock {}: this token does not hold it; {} does", name, r.owner), {{"owner", r.owner}}};
}

pb::Json to_json(const std::string &name, const Holder &h)
{
	return {{"name", name}, {"owner", h.owner}, {"token", h.token}, {"since", iso_time(h.since)},
		{"expires_in_ms", h.expires ? pb::Json(std::max<Ms>(0, *h.expires - lease_clock())) : pb::Json(nullptr)}};
}

} // namespace locks
