// One attempt at a recovery: calls, waits, then looks until the condition holds or its time is over.
#pragma once
#include "world.hpp"

#include <patchbay/patchbay.hpp>

#include <functional>
#include <memory>
#include <string>

namespace recovery {

/// Loop thread. Does not own rule and world. Ended by its destructor: what it called goes on, what comes back is not heard.
class Attempt final {
public:
	/// result: what was done, in words. Called once; it may delete this.
	using Done = std::function<void(bool is_well, const std::string &result)>;

	Attempt(pb::Scope &scope, const World &world, const Rule &rule, std::string topic, Done done);
	/// Some topic has a new value.
	void on_change();
	const Rule &rule;

private:
	void step();
	void call(const std::string &method, pb::Json args, bool is_otherwise);
	void on_answer(const pb::Result &result, bool is_otherwise);
	void on_timer() noexcept;
	void look();
	void end(bool is_well, const std::string &result);

	pb::Scope &scope;
	const World &world;
	const std::string topic;
	Done done;
	std::size_t next = 0; // step
	enum class At { calling, waiting, looking, over } at = At::calling;
	std::string said;                // by the calls
	std::shared_ptr<Attempt *> self; // calls hold it weakly
	pb::Timer timer;
};

/// The calls of a rule, for people: "procs.restart gpsd".
std::string calls_of(const Rule &rule);

} // namespace recovery
