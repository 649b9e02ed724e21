// The table of named locks: who holds, who waits, in which order, until when. Pure logic: no host, no clock of its own.
#pragma once
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace locks {

using Ms = std::int64_t;      // a point on any clock that never goes back, or a length
using Ticket = std::uint64_t; // one ask, from its coming to its end; never reused
using Token = std::uint64_t;  // one grant; grows with every grant

struct Ask {
	std::string name, owner;
	Ms timeout = 0;
	Ms ttl = 0; // 0: held until leave()
};

struct Holder {
	Ticket ticket = 0;
	std::string owner;
	Token token = 0;
	Ms since = 0;
	Ms ttl = 0;
	std::optional<Ms> expires; // none: held until leave()
};

struct Waiter {
	Ticket ticket = 0;
	std::string owner;
	Ms since = 0, deadline = 0, ttl = 0;
};

/// What happened without having been asked for by the one it happened to.
struct Event {
	enum class Kind { granted, timed_out, expired };
	Kind kind;
	Ticket ticket;
	std::string name, owner;
	Token token; // 0: timed_out
};

/// One link of a cycle of waiting owners.
struct Link {
	std::string owner, waits_for;
};

struct Refusal {
	enum class Why { held, deadlock, too_many_names, too_many_waiters, not_owner, not_leased };
	Why why;
	std::string owner;         // who holds it, where somebody does
	std::vector<Link> cycle{}; // deadlock: from the one that asked, round to it
};
struct Granted {
	Ticket ticket;
	Token token;
};
struct Waiting {
	Ticket ticket;
};
using Answer = std::variant<Granted, Waiting, Refusal>;

struct Limits {
	std::size_t names = 4096, waiters = 16384;
};

class Table final {
public:
	struct Lock {
		std::string name;
		std::optional<Holder> holder; // always somebody, while somebody waits
		std::list<Waiter> queue;      // first come, first served: tickets grow along it
	};
	using Locks = std::map<std::string, std::unique_ptr<Lock>, std::less<>>;

	explicit Table(Limits limits_, Token last_token_) : limits(limits_), last_token(last_token_) {}
	Table(const Table &) = delete;
	Table &operator=(const Table &) = delete;
	void set_limits(Limits limits_) noexcept { limits = limits_; } // what is over stays
	void set_newest_token(Token token) noexcept { last_token = token; }

	/// Takes the lock, or stands in line for it. An owner that holds it already, and a wait that would close a cycle of
	/// waiting owners, are refused. Call tick() before, so that nothing stands in the way whose time is over, and after:
	/// it ends what asked with a time-out of 0 and has to wait.
	Answer acquire(const Ask &ask, Ms now);
	/// Ends what `token` holds: true; or a refusal. The next in line comes out as an event.
	std::variant<bool, Refusal> release(std::string_view name, Token token, Ms now, std::vector<Event> &events);
	/// The lease runs `ttl` from now (0: as long as it was asked for).
	std::variant<Holder, Refusal> renew(std::string_view name, Token token, Ms ttl, Ms now);
	/// The one who asked has left: out of the line, or what it holds ends. False: it was over before.
	bool leave(Ticket ticket, Ms now, std::vector<Event> &events);
	/// Ends leases and waits whose time is over.
	void tick(Ms now, std::vector<Event> &events);
	/// When tick() has something to do next.
	[[nodiscard]] std::optional<Ms> next_due() const noexcept;

	/// Puts back a lease from before a restart: same owner, same token. False: the name is held already.
	bool restore(const std::string &name, const Holder &lease);

	[[nodiscard]] const Lock *find(std::string_view name) const;
	/// Where the ticket stands: the lock and how many wait before it (0: next, or it holds). Null: it is over.
	[[nodiscard]] const Lock *where(Ticket ticket, std::size_t *ahead = nullptr) const;
	[[nodiscard]] const Locks &all() const noexcept { return locks; }
	[[nodiscard]] std::size_t waiting() const noexcept { return waiters; }
	[[nodiscard]] std::size_t held() const noexcept { return holders; }
	[[nodiscard]] Token newest_token() const noexcept { return last_token; }

private:
	/// What an owner has to do with locks; kept while there is something.
	struct Owner {
		std::size_t holds = 0;
		std::vector<Ticket> waits;
	};
	struct Place {
		Lock *lock;
		std::optional<std::list<Waiter>::iterator> waiter;
	}; // no waiter: it holds

	Lock &lock_of(const std::string &name);
	void forget_if_done(const std::string &owner);
	void hold(Lock &lock, Holder holder);
	void unhold(Lock &lock);
	void unwait(Lock &lock, std::list<Waiter>::iterator waiter);
	void pass_on(Lock &lock, Ms now, std::vector<Event> &events);
	void forget_if_idle(Lock &lock);
	[[nodiscard]] std::vector<Link> cycle(const std::string &owner, const Lock &lock) const;

	Limits limits;
	Token last_token;
	Ticket last_ticket = 0;
	std::size_t waiters = 0, holders = 0;
	Locks locks;
	std::unordered_map<std::string, Owner> owners;
	std::unordered_map<Ticket, Place> places;
	std::set<std::pair<Ms, Ticket>> due; // ends of leases and of waits
};

} // namespace locks
