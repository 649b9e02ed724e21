// The desk: where those who ask for locks stand until they are answered. Brings the table, the store and the clock together.
#pragma once
#include "store.hpp"
#include "table.hpp"

#include <patchbay/patchbay.hpp>

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

namespace locks {

/// One who asked. Owned by the desk from ask() until it is over for it.
class Client {
public:
	virtual ~Client() = default;
	/// It has the lock, and that is recorded. True: it has been told and needs nothing more; false: it stays, and the lock ends
	/// with it (gone()).
	virtual bool on_granted(const std::string &name, const Holder &holder) noexcept = 0;
	/// It does not get the lock, or loses it: the last call.
	virtual void on_refused(const pb::Error &why) noexcept = 0;
	/// It waits. Called at first, and again about once a second where it wants to know.
	virtual void on_waiting(const Table::Lock &, std::size_t /*ahead*/) noexcept {}
	/// It stays with its lock. Called every 15 s where it wants to know.
	virtual void on_holding() noexcept {}
	[[nodiscard]] virtual bool wants_to_know() const noexcept { return false; } // on_waiting, on_holding

	Ticket ticket = 0;     // set once it waits or has been granted
	bool has_left = false; // set by itself where it leaves before that
};

/// Loop thread. Owns the clients; answers each once. A lock is answered only when it is recorded.
class Desk final {
public:
	/// What ended: released, expired, left, lost.
	using OnEnded = std::function<void(const std::string &name, Token token)>;

	Desk(pb::Scope &scope, Limits limits);
	~Desk() { close(); }
	Desk(const Desk &) = delete;
	Desk &operator=(const Desk &) = delete;
	void set_limits(Limits limits) { table.set_limits(limits); }
	/// Reads what was held before the restart; what is asked until then waits. on_loaded gets the file records.
	void load(std::function<void(std::vector<Store::FileRecord>)> on_loaded);

	void ask(std::unique_ptr<Client> client, Ask ask);
	/// The client has left: out of the line, or its lock ends. It is deleted.
	void gone(Ticket ticket);
	/// The client has been answered by itself: it is deleted, its lock goes on.
	void answered(Ticket ticket) { clients.erase(ticket); }
	/// Sends all who wait away; what is held by a connection ends with it. Leases stay as they are recorded.
	void close() noexcept;
	/// done gets nothing, or why not. `what` is the word for it in locks/changes.
	void release(const std::string &name, Token token, Store::Done done, const char *what = "released");
	using Renewed = std::function<void(const std::variant<Holder, pb::Error> &)>;
	void renew(const std::string &name, Token token, Ms ttl, Renewed done);
	[[nodiscard]] pb::Json list();
	[[nodiscard]] const Table &locks() const noexcept { return table; }
	/// Says that something happened to a lock that no client's call shows.
	void tell(const char *what, const std::string &name, const std::string &owner, Token token);

	Store store;
	OnEnded on_ended; // told after the fact

private:
	void when_loaded(std::function<void()> then);
	void admit(std::unique_ptr<Client> client, const Ask &ask);
	void settle(); // acts on what the table says has happened
	void grant(Ticket ticket, const Table::Lock &lock);
	void on_recorded(Ticket ticket, const std::optional<pb::Error> &failed);
	void ended(const std::string &name, Token token, bool was_recorded);
	void refuse(Ticket ticket, const pb::Error &why);
	pb::Error timed_out(const std::string &name) const;
	void arm();
	void on_due() noexcept;
	void on_beat() noexcept;
	void on_summary() noexcept;
	void on_watched(int is_watched) noexcept { is_told = is_watched != 0; }

	pb::Scope &scope;
	Table table;
	bool is_loaded = false, is_closed = false, is_told = false, is_summary_due = false;
	std::vector<std::function<void()>> early; // asked before what was held has been read
	std::unordered_map<Ticket, std::unique_ptr<Client>> clients;
	std::vector<Event> events;
	std::optional<Ms> armed;
	pb::Topic summary, changes;
	pb::Timer due, beat, summary_timer;
};

/// Fails a request or a call.
inline void fail_with(auto &to, const pb::Error &e) noexcept
{
	to.fail(e.status, e.code, e.what(), e.details ? pb::Json::share(e.details->get()) : pb::Json());
}
pb::Error to_error(const Refusal &refusal, const std::string &name, const std::string &owner);
pb::Json to_json(const std::string &name, const Holder &holder);

} // namespace locks
