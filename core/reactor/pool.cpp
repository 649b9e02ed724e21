#include "reactor/pool.hpp"

#include <pthread.h>

#include <csignal>

namespace core {

namespace {
constexpr std::size_t workers = 2; // the kit has few cores, and jobs wait for disks more than they compute
}

Pool::Pool(Reactor &reactor_, std::size_t most_waiting) : reactor(reactor_), most(most_waiting) {}

Pool::~Pool()
{
	{
		const std::lock_guard lock(guard);
		is_closing = true;
		queue.clear();
	}
	changed.notify_all();
	for (std::thread &t : threads) t.join();
}

bool Pool::submit(Job job, Job done)
{
	{
		const std::lock_guard lock(guard);
		if (is_closing || queue.size() >= most) return false;
		queue.push_back({std::move(job), std::move(done)});
	}
	changed.notify_one();
	if (threads.size() < workers) {
		sigset_t all, old; // signals are the loop's
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &old);
		threads.emplace_back(&Pool::work, this);
		pthread_sigmask(SIG_SETMASK, &old, nullptr);
	}
	return true;
}

std::size_t Pool::waiting() const
{
	const std::lock_guard lock(guard);
	return queue.size();
}

void Pool::work()
{
	pthread_setname_np(pthread_self(), "worker");
	for (std::unique_lock lock(guard);;) {
		changed.wait(lock, [this] { return is_closing || !queue.empty(); });
		if (is_closing) return;
		Task task = std::move(queue.front());
		queue.pop_front();
		lock.unlock();
		task.job();
		task.job = nullptr; // what it holds goes here, not on the loop
		reactor.inject(std::move(task.done));
		lock.lock();
	}
}

} // namespace core
