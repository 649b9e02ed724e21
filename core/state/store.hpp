// State: one SQLite database (WAL) on a thread of its own. Documents and bounded journals by owner; a write is acknowledged
// once committed, and the writes of one turn share a transaction.
#pragma once
#include "reactor/reactor.hpp"
#include "result.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace core::state {

class Worker;
struct Operation;

/// Loop thread. Survives kill -9 by default, loss of power where a write is durable. Callbacks come on the loop, in the order
/// of the calls, exactly once, unless the store ends before. At most 10,000 operations and 64 MiB wait: past it 507
/// STATE_BUSY, which does not wait for those before it. A value has at most 16 MiB as text, a key 1 to 1,024 bytes.
/// Errors: 400; 507 STATE_FULL (the disk); 503 STATE_LOCKED (another program holds the database); 500 STATE_ERROR.
class Store final {
public:
	using Done = std::function<void(Result<pb::Json>)>; // shapes as in plugin.h

	/// Opens (blocking, before the loop runs) `directory`/state.db; an empty directory is a database in memory. A corrupt one is
	/// set aside as state.db.corrupt-TIME and `warning` says so; a folder that cannot be used, or that another daemon uses,
	/// gives a database in memory, with a warning.
	static std::unique_ptr<Store> open(Reactor &reactor, const std::string &directory, std::string &warning);
	~Store(); // commits what has been accepted; callbacks that have not come will not
	Store(const Store &) = delete;
	Store &operator=(const Store &) = delete;

	/// Told of what the administrator should know while running: writes fail (disk full), or do no longer; the database was
	/// found corrupt and has been set aside.
	std::function<void(const std::string &text)> on_warning;

	/// Blocking, for the start, before the loop runs; behind what was asked of the same document. get_now: empty where there is
	/// none. A first write may wait for the disk: where nobody needs to know, put() is the better one.
	[[nodiscard]] pb::Json get_now(std::string_view owner, std::string_view key);
	[[nodiscard]] bool put_now(std::string_view owner, std::string_view key, pb::Json value);

	// Values are written out before the call returns: the caller may go on changing them.
	void put(std::string_view owner, std::string_view key, pb::Json value, bool is_durable, Done done);
	void get(std::string_view owner, std::string_view key, Done done);
	void list(std::string_view owner, std::string_view prefix, Done done);
	void remove(std::string_view owner, std::string_view key, bool is_durable, Done done);
	void append(std::string_view owner, std::string_view journal, pb::Json value, bool is_durable, Done done);
	/// At most `limit` entries (1,000 where it is not positive, 10,000 at most) and about 16 MiB: go on after the last id.
	void read(std::string_view owner, std::string_view journal, std::int64_t after, std::int64_t limit, Done done);
	void trim(std::string_view owner, std::string_view journal, std::int64_t keep, Done done);

	[[nodiscard]] const std::string &path() const noexcept; // ":memory:" where there is no file
	[[nodiscard]] std::size_t waiting() const noexcept;
	/// The folder belongs to another daemon that runs: this store is in memory, and the daemon should not go on.
	[[nodiscard]] bool is_in_use() const noexcept { return belongs_to_another; }

private:
	Store(Reactor &reactor, std::unique_ptr<Worker> worker, bool belongs_to_another);
	void submit(Operation operation, Done done);
	[[nodiscard]] Result<pb::Json> now(Operation operation);
	void hand_over();
	void deliver();

	struct Answer {
		Done done;
		Result<pb::Json> result;
		std::size_t bytes;
	};
	Reactor &reactor;
	const bool belongs_to_another;
	std::vector<Operation> collected;                                 // of this turn
	std::deque<std::pair<Done, std::size_t>> asked;                   // of what the worker has or will have, in order; with its bytes
	std::deque<Answer> answered;                                      // not told yet
	std::size_t bytes = 0;                                            // of what waits
	std::shared_ptr<Store *> alive = std::make_shared<Store *>(this); // what the worker sends meets nothing once we have gone
	std::unique_ptr<Worker> worker;                                   // last: it ends first
};

} // namespace core::state
