// When samples are taken: on demand, never older than a second, one round at a time.
#pragma once
#include "coordinator.hpp"
#include "sample.hpp"

#include <functional>

namespace procs {

class Sampler final {
public:
	Sampler(Context &context, Coordinator &coordinator);
	~Sampler();
	/// then: when all samples are fresh (from inside, where they are).
	void refresh(std::function<void()> then);

private:
	void on_taken(std::vector<SampleJob> jobs);

	Context &context;
	Coordinator &coordinator;
	bool is_busy = false;
	std::vector<std::function<void()>> waiting, next;
	std::shared_ptr<bool> alive; // shared: jobs on workers outlive us
};

} // namespace procs
