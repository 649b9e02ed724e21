// Jobs for the host's pool, in order, one at a time: netlink's requests share sockets and the kernel's one lock.
#pragma once
#include <patchbay/patchbay.hpp>

#include <deque>

namespace netif {

/// Loop thread; owns nothing that a job touches. A job that the full pool refuses is offered again.
class Worker final {
public:
	explicit Worker(pb::Scope &scope_) : scope(scope_), again(scope_, pb::bind<&Worker::next>(this)) {}

	/// job on a worker, then done(what it gave) on the loop.
	template<typename J, typename D> void run(J job, D done)
	{
		using Out = std::invoke_result_t<J &>;
		auto out = std::make_shared<Out>(); // shared by two callables that must be copyable
		queue.push_back({[job = std::move(job), out]() mutable { *out = job(); }, [done = std::move(done), out]() mutable { done(std::move(*out)); }});
		next();
	}
	[[nodiscard]] bool is_idle() const noexcept { return !is_busy && queue.empty(); }

private:
	struct Task {
		std::function<void()> job, done;
	};

	void next() noexcept
	{
		if (is_busy || queue.empty()) return;
		is_busy = true;
		const auto task = std::make_shared<Task>(std::move(queue.front()));
		queue.pop_front();
		if (scope.work([this, task] { guard(task->job); }, [this, task] { on_done(*task); })) return;
		is_busy = false;
		queue.push_front(std::move(*task));
		again.once(pb::milliseconds(200));
	}
	void on_done(Task &task)
	{
		is_busy = false;
		if (!failure.empty()) scope.error("a job failed: " + std::exchange(failure, {}));
		pb::detail::guarded([&] { task.done(); }, [&](const pb_error &e) { scope.error(std::string("a callback failed: ") + e.text); });
		next();
	}
	void guard(const std::function<void()> &job) noexcept
	{
		pb::detail::guarded(job, [&](const pb_error &e) { failure = e.text; });
	}

	pb::Scope &scope;
	std::deque<Task> queue;
	bool is_busy = false;
	std::string failure; // of the job that runs or has just run
	pb::Timer again;
};

} // namespace netif
