// One process of the configuration: its state machine, from a wish to a running tree and back.
#pragma once
#include "operation.hpp"
#include "probe.hpp"
#include "restart.hpp"
#include "runner.hpp"
#include "sample.hpp"

namespace procs {

enum class State { stopped, starting, running, ready, stopping, failed };
[[nodiscard]] const char *to_string(State state) noexcept;

/// Who ended what rests now. daemon: it went down, or another rule of ours wanted it so; nobody: it ended by itself; unknown:
/// it runs, never ran, or others (systemd) had it in their hands.
enum class StoppedBy { unknown, person, daemon, nobody };
[[nodiscard]] const char *to_string(StoppedBy who) noexcept;
[[nodiscard]] StoppedBy stopped_by_of(std::string_view text) noexcept;

/// What is wanted of it. again: down first, then up.
enum class Goal { down, up, again };

/// How far a start has come. waiting: for what it requires; backing_off: until its next restart; taking_over: what runs already.
enum class Step { none, waiting, backing_off, adopting, asking, spawning, taking_over };

class Process;

struct ProcessOwner {
	/// State, PID or reason changed: others may go on, somebody may look.
	virtual void on_process(Process &process) noexcept = 0;
	/// Its tree is gone.
	virtual void on_process_ended(Process &process, const Ended &ended) noexcept = 0;
	/// PIDs that are kept already, and must not be taken for strangers.
	virtual std::vector<pid_t> kept_roots() const = 0;

protected:
	~ProcessOwner() = default;
};

/// Does not know of other processes: who starts and stops first is the coordinator's. Loop thread.
class Process final : public RunnerOwner, public Probe::Owner {
public:
	Process(Context &context, const std::string &name, const ProcessSettings &settings, ProcessOwner &owner);
	~Process();
	Process(const Process &) = delete;
	Process &operator=(const Process &) = delete;

	// ---- what the coordinator asks ----
	/// From stopped or failed: starting, waiting for what it requires.
	void want(Extra extra);
	/// It has a tree that is to end, and comes up after that.
	void want_again(Extra extra);
	/// All that it requires is ready.
	void launch();
	/// The start fails before it has begun.
	void refuse(const pb::Error &error);
	/// Before there is a tree: stopped at once.
	void cancel(const std::string &why, StoppedBy who);
	/// A tree is to end, and perhaps to come back: those who wait for its start are told, or wait for the next.
	void aim(Goal next, StoppedBy who);
	/// It rests already, and is to: a person's word counts for those who would start it again.
	void leave_stopped(StoppedBy who);
	/// Ends the tree: in its time, or (force) now.
	void stop(bool force);
	void take_over(FoundKeeper found, bool was_ready);
	void adopt(Identity who);
	/// What systemd says of its unit.
	void on_unit(const UnitState &state);
	void signal(int number, bool is_for_all, std::function<void(int)> done);
	void await(const OperationPtr &operation, Await what, milliseconds settle = {});
	/// Now and then while anything runs.
	void look() noexcept;
	/// An observed one: asks once more.
	void observe();

	[[nodiscard]] bool has_tree() const noexcept { return runner != nullptr; }
	[[nodiscard]] bool is_up() const noexcept { return state == State::running || state == State::ready; }
	[[nodiscard]] bool is_resting() const noexcept { return state == State::stopped || state == State::failed; }
	[[nodiscard]] bool is_adopted() const noexcept { return runner && runner->is_adopted(); }
	[[nodiscard]] bool is_start_pending() const noexcept;
	[[nodiscard]] const Runner *run() const noexcept { return runner.get(); }
	[[nodiscard]] pid_t pid() const noexcept { return runner && state != State::starting && !was_found ? runner->main.pid : 0; }

	const std::string name;
	const ProcessSettings &settings;
	State state = State::stopped;
	Step step = Step::none;
	Goal goal = Goal::down;
	bool is_stop_sent = false, wants_force = false;
	std::int64_t since_ms;
	std::string reason;
	StoppedBy stopped_by = StoppedBy::unknown;
	int restarts = 0;
	std::optional<Ended> last;
	std::optional<Sample> sample;
	Baseline baseline;

private:
	/// late: it did not become ready in time. cancelled: not wanted any more, before there was a tree.
	enum class Event { wanted, running, ready, late, cancelled, stop, ended };
	void on(Event event);
	void enter(State next, std::string why = {});
	void clean_up();

	void on_running(Runner &runner) noexcept override;
	void on_changed(Runner &runner) noexcept override;
	void on_ended(Runner &runner, const Ended &ended, const std::string &why) noexcept override;
	void on_warning(Runner &runner, const std::string &text) noexcept override;
	void on_ready() noexcept override;
	void on_not_ready(const std::string &why) noexcept override;
	void on_settled() noexcept;
	void on_backed_off() noexcept;

	void enter_taking_over();
	void find_foreign();
	void ask_ports(std::size_t index);
	void ask_interfaces(std::size_t index);
	void release_interfaces();
	void run_command();
	void begin_probe();
	void ask(const char *method, pb::Json args, const std::string &for_what, std::function<void(const json_t *)> then);
	[[nodiscard]] pb::Error port_error(std::int64_t port, const json_t *holder) const;
	void fail(const pb::Error &error);
	void decide();
	void rest(State how, const std::string &why);
	void come_to_rest(RestartPolicy::Decision decision, State how, const std::string &why);
	void satisfy(Await what);
	void reject(const pb::Error &error);
	void look_at_survivor();

	struct Waiter {
		OperationPtr operation;
		Await what;
		milliseconds settle;
	};

	Context &context;
	ProcessOwner &owner;
	RestartPolicy policy;
	Extra extra;
	std::string ended_why;
	StoppedBy asked_by = StoppedBy::unknown; // of the stop under way
	bool is_retry = false;                   // the policy's start, not a person's
	bool was_adopted = false;                // the tree that has ended
	std::string late_why;                    // not empty: it is being stopped since it did not become ready
	std::uint64_t attempt = 0;               // answers to an older start are ignored
	std::size_t interfaces_held = 0;
	bool was_ready = false; // a former daemon had seen it ready
	bool was_found = false; // it ended while no daemon was there, or is being ended since its keeper was lost
	std::vector<Waiter> waiters;
	std::shared_ptr<bool> alive; // shared: jobs on workers outlive us
	std::unique_ptr<Runner> runner;
	std::unique_ptr<Probe> probe;
	pb::Timer settled, backed_off;
};

} // namespace procs
