// A small worker pool for what can only block. Jobs come back as events.
#pragma once
#include "reactor/reactor.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace core {

/// Two worker threads, started on first use, and a bounded queue. submit() from the loop thread.
class Pool final {
public:
	using Job = std::function<void()>; // must not throw

	explicit Pool(Reactor &reactor, std::size_t most_waiting = 4096);
	/// Lets running jobs end, drops waiting ones.
	~Pool();
	Pool(const Pool &) = delete;
	Pool &operator=(const Pool &) = delete;

	/// job on a worker, then done on the loop. False: the queue is full, nothing is kept.
	[[nodiscard]] bool submit(Job job, Job done);
	[[nodiscard]] std::size_t waiting() const;

private:
	struct Task {
		Job job, done;
	};
	void work();
	Reactor &reactor;
	const std::size_t most;
	mutable std::mutex guard; // of the three below
	std::condition_variable changed;
	std::deque<Task> queue;
	bool is_closing = false;
	std::vector<std::thread> threads;
};

} // namespace core
