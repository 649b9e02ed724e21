// State: one SQLite database (WAL) on a thread of its own. Documents and bounded journals by owner; a write is acknowledged
// once committed, and the writes of one turn share a transaction.
#pragma once
#include "reactor/reactor.hpp"
#include "result.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace core::state {

/// Loop thread. Survives kill -9 by default, loss of power where a write is durable. Callbacks come on the loop, in the order
/// of the calls, exactly once, unless forgotten. At most 10,000 operations and 64 MiB wait: past it 507 STATE_BUSY at once.
class Store final {
public:
	using Done = std::function<void(Result<pb::Json>)>; // shapes as in plugin.h

	/// Opens (blocking, before the loop runs) `directory`/state.db. A corrupt database is set aside as state.db.corrupt-TIME
	/// and `warning` says so; a folder that cannot be used gives a database in memory, with a warning.
	static std::unique_ptr<Store> open(Reactor &reactor, const std::string &directory, std::string &warning);
	~Store(); // commits what has been accepted

	/// Blocking reads for the start, before the loop runs.
	[[nodiscard]] pb::Json get_now(std::string_view owner, std::string_view key);
	[[nodiscard]] bool put_now(std::string_view owner, std::string_view key, pb::Json value);

	void put(std::string_view owner, std::string_view key, pb::Json value, bool is_durable, Done done);
	void get(std::string_view owner, std::string_view key, Done done);
	void list(std::string_view owner, std::string_view prefix, Done done);
	void remove(std::string_view owner, std::string_view key, bool is_durable, Done done);
	void append(std::string_view owner, std::string_view journal, pb::Json value, bool is_durable, Done done);
	void read(std::string_view owner, std::string_view journal, std::int64_t after, std::int64_t limit, Done done);
	void trim(std::string_view owner, std::string_view journal, std::int64_t keep, Done done);

	[[nodiscard]] const std::string &path() const noexcept; // ":memory:" where there is no file
	[[nodiscard]] std::size_t waiting() const noexcept;

private:
	class Worker;
	explicit Store(std::unique_ptr<Worker> worker);
	std::unique_ptr<Worker> worker;
};

} // namespace core::state
