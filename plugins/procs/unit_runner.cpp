// A process that systemd runs: its unit's states are ours, its jobs our starts and stops.
#include "runner.hpp"
#include "units.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>

#include <sys/wait.h>

namespace procs {

namespace {
class UnitRunner final : public Runner {
public:
	UnitRunner(Context &context_, RunnerOwner &owner_, const ProcessSettings &settings_)
		: Runner(context_, owner_), unit(settings_.unit), alive(std::make_shared<bool>(true)), soon(context_.scope, pb::bind<&UnitRunner::on_soon>(this))
	{}
	~UnitRunner() override { *alive = false; }

	void start(const Extra &) override
	{
		is_awaited = true;
		context.units->run_job("StartUnit", unit, [this, token = alive](const std::string &failure) {
			if (!*token) return;
			start_failure = failure;
			context.units->renew(unit, [this, token] { // what is known of it may be older than the job's end
				if (!*token) return;
				is_started = true;
				soon.once(milliseconds(0)); // never from inside a call
			});
		});
	}

	void stop(int, milliseconds limit) override
	{
		is_stopping = true;
		if (limit.count() == 0) context.units->kill(unit, "all", SIGKILL, [](const std::string &) {});
		context.units->run_job("StopUnit", unit, [this, token = alive](const std::string &failure) {
			if (*token && !failure.empty()) owner.on_warning(*this, "not stopped: " + failure);
		});
	}

	void signal(int number, bool is_for_all, std::function<void(int)> done) override
	{
		context.units->kill(unit, is_for_all ? "all" : "main", number, [done](const std::string &failure) { done(failure.empty() ? 0 : EPERM); });
	}

	void on_unit(const UnitState &s) override
	{
		state = s;
		if (s.main > 0 && s.main != main.pid)
			if (const auto st = stat_of(s.main)) main = {s.main, st->start};
		if (s.began_ms > 0) began_ms = s.began_ms;
		status_text = s.sub;
		if (has_run || s.is_up()) soon.once(milliseconds(0));
	}

	[[nodiscard]] TreePlace place() const override { return {main.pid, true, state.cgroup.empty() ? "" : context.paths.cgroup_mount + state.cgroup}; }

private:
	void on_soon() noexcept
	{
		if (state.is_up() && !has_run) {
			has_run = true;
			return owner.on_running(*this);
		}
		const bool is_over = (has_run && state.is_down()) || (is_started && !start_failure.empty()) || (is_started && state.is_down() && !has_run);
		if (is_over) return end();
		if (has_run) owner.on_changed(*this);
	}

	void end() noexcept
	{
		Ended e;
		e.began_ms = state.began_ms;
		e.ended_ms = state.ended_ms ? state.ended_ms : pb::unix_ms();
		e.code = state.code == CLD_EXITED || state.code == 0 ? state.status : -1;
		e.signal = state.code == CLD_KILLED || state.code == CLD_DUMPED ? state.status : 0;
		if (state.active == "inactive" && state.result == "success" && !start_failure.empty()) e.code = 1;
		if (state.active == "failed" && e.code == 0 && e.signal == 0) e.code = 1; // a start that never had a main process
		if (state.active == "inactive" && state.result == "success" && start_failure.empty())
			e = {0, 0, e.began_ms, e.ended_ms}; // systemd calls it well, whatever the signal
		owner.on_ended(*this, e,
			!start_failure.empty()     ? start_failure
			: state.active == "failed" ? fmt::format("{} has failed: {} (journalctl -u {})", unit, state.result, unit)
									   : "");
	}

	const std::string unit;
	UnitState state;
	std::string start_failure;
	bool is_awaited = false, is_started = false, is_stopping = false, has_run = false;
	std::shared_ptr<bool> alive; // shared: systemd's answers may come after us
	pb::Timer soon;
};
} // namespace

std::unique_ptr<Runner> make_unit_runner(Context &context, RunnerOwner &owner, const ProcessSettings &settings)
{
	return std::make_unique<UnitRunner>(context, owner, settings);
}

} // namespace procs
