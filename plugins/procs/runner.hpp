// What a process is run by: a keeper, systemd, a probe alone, or, adopted, somebody else.
#pragma once
#include "context.hpp"
#include "identity.hpp"
#include "record.hpp"

#include <functional>
#include <memory>
#include <string>

namespace procs {

class Runner;
struct UnitState;

/// What a runner tells. Everything comes later, never from inside a call to the runner.
struct RunnerOwner {
	virtual void on_running(Runner &runner) noexcept = 0; // exec has succeeded, or a former daemon's process was taken over
	virtual void on_changed(Runner &runner) noexcept = 0; // main process, readiness by notify, status text, survivor
	/// The whole tree is gone, or it never was there. why: for people, empty where there is nothing to say.
	virtual void on_ended(Runner &runner, const Ended &ended, const std::string &why) noexcept = 0;
	virtual void on_warning(Runner &runner, const std::string &text) noexcept = 0;

protected:
	~RunnerOwner() = default;
};

/// What a caller may add to one start.
struct Extra {
	std::vector<std::string> arguments; // not for what is started because another requires it
	std::map<std::string, std::string> environment;
	std::string arguments_for; // the one process that gets the arguments; empty: each that was asked for
};

/// Where to look for CPU and memory of the tree.
struct TreePlace {
	pid_t root = 0;          // 0: nowhere
	bool is_root_one = true; // the root belongs to it (a keeper does not)
	std::string cgroup;      // empty: none
};

class Runner {
public:
	Runner(Context &context_, RunnerOwner &owner_) : context(context_), owner(owner_) {}
	virtual ~Runner() = default;
	Runner(const Runner &) = delete;
	Runner &operator=(const Runner &) = delete;

	virtual void start(const Extra &extra) = 0;
	/// All of the tree; on_ended when it is gone. Again: brings the end nearer.
	virtual void stop(int signal, milliseconds limit) = 0;
	/// 0 or errno, later.
	virtual void signal(int number, bool is_for_all, std::function<void(int)> done) = 0;
	/// Of a unit: what systemd says of it.
	virtual void on_unit(const UnitState &) {}
	/// Looked at now and then where this matters (a keeper that was stopped).
	virtual void look() noexcept {}
	[[nodiscard]] virtual TreePlace place() const { return {main.pid, true, {}}; }
	[[nodiscard]] virtual bool is_adopted() const noexcept { return false; }
	/// Its own word for ready counts, no probe is needed (systemd's; notify).
	[[nodiscard]] virtual bool is_notified() const noexcept { return false; }

	Identity main;
	std::int64_t began_ms = 0;
	std::string status_text;
	pid_t survivor = 0; // that SIGKILL does not end

protected:
	Context &context;
	RunnerOwner &owner;
};

struct FoundKeeper;
[[nodiscard]] std::unique_ptr<Runner> make_keeper_runner(Context &context, RunnerOwner &owner, const std::string &name, const ProcessSettings &settings);
/// Takes over what a former daemon left; start() must not be called.
[[nodiscard]] std::unique_ptr<Runner> take_over(
	Context &context, RunnerOwner &owner, const std::string &name, const ProcessSettings &settings, FoundKeeper found);
[[nodiscard]] std::unique_ptr<Runner> make_unit_runner(Context &context, RunnerOwner &owner, const ProcessSettings &settings);
/// A process that somebody else has started; start() says on_running.
[[nodiscard]] std::unique_ptr<Runner> make_foreign_runner(Context &context, RunnerOwner &owner, const ProcessSettings &settings, Identity who);

} // namespace procs
