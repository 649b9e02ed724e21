// A process that somebody else has started: watched by a pidfd, its tree ended by what /proc shows of it. Not its parent, we
// learn no exit status, and a tree that runs away from its parents is not found whole.
#include "runner.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <set>

#include <sys/syscall.h>

namespace procs {

namespace {
constexpr milliseconds look_again{50};

struct Tree {
	std::vector<Identity> members;
	unsigned signalled = 0;
};

/// Those of `known` that live, and what is below them now; each is sent the signal (0: none).
Tree signal_tree(std::vector<Identity> known, int number)
{
	Tree out;
	std::set<pid_t> seen;
	for (const Identity &k : known) {
		if (!is_alive(k)) continue;
		for (const pid_t pid : tree_of(k.pid)) {
			const auto s = stat_of(pid);
			if (!s || s->state == 'Z' || !seen.insert(pid).second) continue;
			out.members.push_back({pid, s->start});
		}
	}
	for (const Identity &m : out.members) {
		if (number == 0) continue;
		out.signalled += send_signal(m, number) == 0;
		if (number != SIGKILL) (void)send_signal(m, SIGCONT);
	}
	return out;
}

class ForeignRunner final : public Runner {
public:
	ForeignRunner(Context &context_, RunnerOwner &owner_, Identity who)
		: Runner(context_, owner_), pidfd(pin(who)), alive(std::make_shared<bool>(true)), soon(context_.scope, pb::bind<&ForeignRunner::on_soon>(this)),
		  later(context_.scope, pb::bind<&ForeignRunner::on_later>(this))
	{
		main = who;
		tree = {who};
		began_ms = pb::unix_ms() - static_cast<std::int64_t>(seconds_since_start(who.start) * 1000);
	}
	~ForeignRunner() override { *alive = false; }

	void start(const Extra &) override { soon.once(milliseconds(0)); }

	void stop(int number, milliseconds limit) override
	{
		const auto deadline = std::chrono::steady_clock::now() + limit;
		if (!is_stopping || deadline < kill_at) kill_at = deadline;
		if (!std::exchange(is_stopping, true)) next_signal = number;
		later.once(milliseconds(0));
	}

	void signal(int number, bool is_for_all, std::function<void(int)> done) override
	{
		if (!is_for_all) return done(send_signal(main, number));
		const bool is_taken =
			context.scope.work([known = tree, number] { return signal_tree(known, number); }, [done](Tree t) noexcept { done(t.signalled > 0 ? 0 : ESRCH); });
		if (!is_taken) done(EAGAIN);
	}

	[[nodiscard]] bool is_adopted() const noexcept override { return true; }

private:
	void on_soon() noexcept
	{
		if (!pidfd) return end();
		watch = std::make_unique<pb::Fd>(context.scope, pidfd.get(), pb::bind<&ForeignRunner::on_main_gone>(this));
		owner.on_running(*this);
	}

	void on_main_gone(int, std::uint32_t) noexcept
	{
		watch->watch(0);         // level-triggered, for ever
		if (!is_stopping) end(); // what it left behind is its own affair, as it was
	}

	/// One step of a stop: who is left, and the signal that is due.
	void on_later() noexcept
	{
		if (is_busy) return;
		const bool is_late = std::chrono::steady_clock::now() >= kill_at;
		const int number = is_late ? SIGKILL : std::exchange(next_signal, 0);
		is_busy = context.scope.work([known = tree, number] { return signal_tree(known, number); },
			[this, number, token = alive](Tree t) noexcept {
				if (!*token) return;
				is_busy = false;
				if (number == SIGKILL) killed = std::max(killed, t.signalled);
				if (t.members.empty()) return end();
				tree = std::move(t.members);
				later.once(look_again);
			});
		if (!is_busy) later.once(look_again);
	}

	void end() noexcept
	{
		if (std::exchange(has_ended, true)) return;
		Ended e;
		e.began_ms = began_ms;
		e.ended_ms = pb::unix_ms();
		e.killed = killed;
		owner.on_ended(*this, e, "");
	}

	UniqueFd pidfd;
	std::vector<Identity> tree;
	std::chrono::steady_clock::time_point kill_at{};
	bool is_stopping = false, is_busy = false, has_ended = false;
	int next_signal = 0;
	unsigned killed = 0;
	std::shared_ptr<bool> alive; // shared: jobs on workers outlive us
	std::unique_ptr<pb::Fd> watch;
	pb::Timer soon, later;
};
} // namespace

std::unique_ptr<Runner> make_foreign_runner(Context &context, RunnerOwner &owner, const ProcessSettings &, Identity who)
{
	return std::make_unique<ForeignRunner>(context, owner, who);
}

} // namespace procs
