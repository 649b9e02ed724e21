// One request: which processes it waits for, and what its caller is told in the end, once.
#pragma once
#include <patchbay/patchbay.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace procs {

enum class Await { started, ready, gone };

class Operation final {
public:
	using Done = std::function<void(const std::optional<pb::Error> &failure, Operation &)>;
	Operation(std::vector<std::string> names_, bool is_group_, Done done_)
		: names(std::move(names_)), is_group(is_group_), began(std::chrono::steady_clock::now()), done(std::move(done_))
	{}

	/// One of those it waits for has come that far.
	void satisfy(const std::string &name)
	{
		open.erase(name);
		if (first.empty()) first = name;
		if (open.empty() || is_first_enough) finish({});
	}
	void fail(const pb::Error &e) { finish(e); }
	void finish(const std::optional<pb::Error> &failure)
	{
		if (auto tell = std::exchange(done, {})) tell(failure, *this);
	}
	[[nodiscard]] bool is_over() const noexcept { return !done; }

	const std::vector<std::string> names; // that were asked for
	const bool is_group;
	const std::chrono::steady_clock::time_point began;
	std::set<std::string> open;
	bool is_first_enough = false;
	std::string first;   // that came so far
	unsigned killed = 0; // of a stop: processes that needed SIGKILL
	std::string group;

private:
	Done done;
};
using OperationPtr = std::shared_ptr<Operation>; // shared: each process that it waits for holds it

} // namespace procs
