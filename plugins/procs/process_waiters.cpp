// Those who wait for a process to be started, ready or gone, and what they are told.
#include "process.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace procs {

void Process::await(const OperationPtr &operation, Await what, milliseconds settle)
{
	operation->open.insert(name);
	waiters.push_back({operation, what, settle});
}

void Process::satisfy(Await what)
{
	milliseconds longest{};
	std::vector<Waiter> now;
	std::erase_if(waiters, [&](Waiter &w) {
		if (w.operation->is_over()) return true;
		const bool is_due = w.what == what || (what == Await::ready && w.what == Await::started);
		if (!is_due) return false;
		if (w.settle.count() > 0 && what != Await::gone) {
			longest = std::max(longest, w.settle);
			return false;
		}
		now.push_back(w);
		return true;
	});
	if (longest.count() > 0) settled.once(longest);
	for (const Waiter &w : now) w.operation->satisfy(name);
}

/// It has run for as long as somebody wanted to see.
void Process::on_settled() noexcept
{
	for (Waiter &w : waiters)
		if (is_up() && w.what == Await::started) w.settle = {};
	if (is_up()) satisfy(Await::started);
}

/// But for those who wait for the start that follows.
void Process::reject(const pb::Error &error)
{
	if (goal == Goal::again) return;
	std::vector<Waiter> now;
	std::erase_if(waiters, [&](Waiter &w) {
		if (w.what == Await::gone) return false;
		now.push_back(w);
		return true;
	});
	for (const Waiter &w : now) w.operation->fail(error);
}

void Process::look_at_survivor()
{
	const pid_t pid = runner->survivor;
	const auto s = stat_of(pid);
	std::string where = read_small(fmt::format("/proc/{}/wchan", pid), 128).value_or("");
	if (where.empty() || where == "0") where = "unknown";
	const pb::Error error(500, "STOP_FAILED",
		fmt::format(
			"{}: process {} (state {}) survives SIGKILL; it hangs in {} of the kernel, and ends when that returns", name, pid, s ? s->state : '?', where));
	reason = error.what();
	context.scope.error("process survives", {{"process", name}, {"pid", pid}, {"hangs_in", where}});
	std::vector<Waiter> now;
	std::erase_if(waiters, [&](Waiter &w) {
		if (w.what != Await::gone) return false;
		now.push_back(w);
		return true;
	});
	for (const Waiter &w : now) w.operation->fail(error);
}

} // namespace procs
