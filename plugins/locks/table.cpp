#include "table.hpp"

#include <algorithm>

namespace locks {

Table::Lock &Table::lock_of(const std::string &name)
{
	auto &slot = locks[name];
	if (!slot) slot = std::make_unique<Lock>(Lock{name, {}, {}});
	return *slot;
}

void Table::hold(Lock &lock, Holder holder)
{
	if (holder.expires) due.emplace(*holder.expires, holder.ticket);
	places[holder.ticket] = {&lock, {}};
	++owners[holder.owner].holds;
	lock.holder = std::move(holder);
	++holders;
}

void Table::unhold(Lock &lock)
{
	const Holder &holder = *lock.holder;
	if (holder.expires) due.erase({*holder.expires, holder.ticket});
	places.erase(holder.ticket);
	--owners[holder.owner].holds;
	forget_if_done(holder.owner);
	lock.holder.reset();
	--holders;
}

void Table::unwait(Lock &lock, std::list<Waiter>::iterator waiter)
{
	due.erase({waiter->deadline, waiter->ticket});
	places.erase(waiter->ticket);
	auto &waits = owners[waiter->owner].waits;
	waits.erase(std::find(waits.begin(), waits.end(), waiter->ticket));
	forget_if_done(waiter->owner);
	lock.queue.erase(waiter);
	--waiters;
}

void Table::forget_if_done(const std::string &owner)
{
	if (const auto i = owners.find(owner); i->second.holds == 0 && i->second.waits.empty()) owners.erase(i);
}

void Table::forget_if_idle(Lock &lock)
{
	if (!lock.holder && lock.queue.empty()) locks.erase(locks.find(lock.name));
}

Answer Table::acquire(const Ask &ask, Ms now)
{
	const Lock *present = find(ask.name);
	if (!present && locks.size() >= limits.names) return Refusal{Refusal::Why::too_many_names, {}};
	if (present && present->holder) {
		if (present->holder->owner == ask.owner) return Refusal{Refusal::Why::held, ask.owner};
		if (waiters >= limits.waiters) return Refusal{Refusal::Why::too_many_waiters, present->holder->owner};
		if (auto round = cycle(ask.owner, *present); !round.empty()) return Refusal{Refusal::Why::deadlock, present->holder->owner, std::move(round)};
	}
	const Ticket ticket = ++last_ticket;
	Lock &lock = lock_of(ask.name);
	if (!lock.holder) {
		hold(lock, {ticket, ask.owner, ++last_token, now, ask.ttl, ask.ttl != 0 ? std::optional(now + ask.ttl) : std::nullopt});
		return Granted{ticket, last_token};
	}
	lock.queue.push_back({ticket, ask.owner, now, now + ask.timeout, ask.ttl});
	places[ticket] = {&lock, std::prev(lock.queue.end())};
	owners[ask.owner].waits.push_back(ticket);
	due.emplace(now + ask.timeout, ticket);
	++waiters;
	return Waiting{ticket};
}

/// The lock has no holder any more: the first in line has it.
void Table::pass_on(Lock &lock, Ms now, std::vector<Event> &events)
{
	if (lock.queue.empty()) return forget_if_idle(lock);
	const Waiter next = lock.queue.front();
	unwait(lock, lock.queue.begin());
	hold(lock, {next.ticket, next.owner, ++last_token, now, next.ttl, next.ttl != 0 ? std::optional(now + next.ttl) : std::nullopt});
	events.push_back({Event::Kind::granted, next.ticket, lock.name, next.owner, last_token});
}

std::variant<bool, Refusal> Table::release(std::string_view name, Token token, Ms now, std::vector<Event> &events)
{
	const auto i = locks.find(name);
	if (i == locks.end() || !i->second->holder) return Refusal{Refusal::Why::not_owner, {}};
	Lock &lock = *i->second;
	if (lock.holder->token != token) return Refusal{Refusal::Why::not_owner, lock.holder->owner};
	unhold(lock);
	pass_on(lock, now, events);
	return true;
}

std::variant<Holder, Refusal> Table::renew(std::string_view name, Token token, Ms ttl, Ms now)
{
	const auto i = locks.find(name);
	if (i == locks.end() || !i->second->holder) return Refusal{Refusal::Why::not_owner, {}};
	Holder &holder = *i->second->holder;
	// A lease whose time is over is over, even where no tick has said so yet.
	if (holder.token != token || (holder.expires && *holder.expires <= now)) return Refusal{Refusal::Why::not_owner, holder.owner};
	if (!holder.expires) return Refusal{Refusal::Why::not_leased, holder.owner};
	due.erase({*holder.expires, holder.ticket});
	if (ttl != 0) holder.ttl = ttl;
	holder.expires = now + holder.ttl;
	due.emplace(*holder.expires, holder.ticket);
	return holder;
}

bool Table::leave(Ticket ticket, Ms now, std::vector<Event> &events)
{
	const auto i = places.find(ticket);
	if (i == places.end()) return false;
	const Place place = i->second;
	if (place.waiter) {
		unwait(*place.lock, *place.waiter);
	} else {
		unhold(*place.lock);
		pass_on(*place.lock, now, events);
	}
	return true;
}

void Table::tick(Ms now, std::vector<Event> &events)
{
	while (!due.empty() && due.begin()->first <= now) {
		const Ticket ticket = due.begin()->second;
		const Place place = places.find(ticket)->second;
		Lock &lock = *place.lock;
		if (place.waiter) {
			events.push_back({Event::Kind::timed_out, ticket, lock.name, (*place.waiter)->owner, 0});
			unwait(lock, *place.waiter);
		} else {
			events.push_back({Event::Kind::expired, ticket, lock.name, lock.holder->owner, lock.holder->token});
			unhold(lock);
			pass_on(lock, now, events);
		}
	}
}

std::optional<Ms> Table::next_due() const noexcept { return due.empty() ? std::nullopt : std::optional(due.begin()->first); }

bool Table::restore(const std::string &name, const Holder &lease)
{
	Lock &lock = lock_of(name);
	if (lock.holder) return false;
	Holder holder = lease;
	holder.ticket = ++last_ticket;
	last_token = std::max(last_token, lease.token);
	hold(lock, std::move(holder));
	return true;
}

const Table::Lock *Table::find(std::string_view name) const
{
	const auto i = locks.find(name);
	return i == locks.end() ? nullptr : i->second.get();
}

const Table::Lock *Table::where(Ticket ticket, std::size_t *ahead) const
{
	const auto i = places.find(ticket);
	if (i == places.end()) return nullptr;
	const Place &place = i->second;
	if (ahead) *ahead = place.waiter ? static_cast<std::size_t>(std::distance(place.lock->queue.begin(), std::list<Waiter>::iterator(*place.waiter))) : 0;
	return place.lock;
}

} // namespace locks
