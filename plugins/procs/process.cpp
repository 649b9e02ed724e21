#include "process.hpp"

#include "keeper_spawn.hpp"
#include "lost.hpp"
#include "units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace procs {

namespace {
milliseconds steady_now() noexcept { return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()); }
} // namespace

const char *to_string(State state) noexcept
{
	switch (state) {
	case State::stopped: return "stopped";
	case State::starting: return "starting";
	case State::running: return "running";
	case State::ready: return "ready";
	case State::stopping: return "stopping";
	case State::failed: return "failed";
	}
	return "";
}

const char *to_string(StoppedBy who) noexcept
{
	switch (who) {
	case StoppedBy::unknown: return "";
	case StoppedBy::person: return "person";
	case StoppedBy::daemon: return "daemon";
	case StoppedBy::nobody: return "nobody";
	}
	return "";
}

StoppedBy stopped_by_of(std::string_view text) noexcept
{
	for (const StoppedBy who : {StoppedBy::person, StoppedBy::daemon, StoppedBy::nobody})
		if (text == to_string(who)) return who;
	return StoppedBy::unknown;
}

Process::Process(Context &context_, const std::string &name_, const ProcessSettings &settings_, ProcessOwner &owner_)
	: name(name_), settings(settings_), since_ms(pb::unix_ms()), context(context_), owner(owner_), policy(settings_), alive(std::make_shared<bool>(true)),
	  settled(context_.scope, pb::bind<&Process::on_settled>(this)), backed_off(context_.scope, pb::bind<&Process::on_backed_off>(this))
{}

Process::~Process() { *alive = false; }

// ---- the state machine ------------------------------------------------------------------------------------------------

void Process::on(Event event)
{
	switch (state) {
	case State::stopped:
	case State::failed:
		if (event == Event::wanted) {
			step = Step::waiting;
			enter(State::starting);
		} else if (event == Event::ready) enter(State::ready); // an observed one
		return;
	case State::starting:
		if (event == Event::running) {
			step = Step::none;
			enter(State::running);
			begin_probe();
		} else if (event == Event::ready) {
			step = Step::none;
			enter(State::ready);
		} else if (event == Event::late)
			fail(pb::Error(504, "READY_TIMEOUT",
				fmt::format("{} is not ready after {:g} s: {}", name, std::chrono::duration<double>(settings.ready.timeout).count(), late_why)));
		else if (event == Event::cancelled) enter(State::stopped);
		else if (event == Event::stop) enter(State::stopping);
		else if (event == Event::ended && step == Step::taking_over) decide();
		else if (event == Event::ended) fail(pb::Error(500, "EXECUTION_FAILED", fmt::format("{}: {}", name, ended_why)));
		return;
	case State::running:
	case State::ready:
		if (event == Event::ready && state == State::running) enter(State::ready);
		else if (event == Event::late || event == Event::stop) enter(State::stopping, late_why);
		else if (event == Event::ended) decide();
		return;
	case State::stopping:
		if (event != Event::ended) return;
		if (std::exchange(was_found, false)) return decide();
		if (!late_why.empty() && goal == Goal::up)
			come_to_rest(policy.on_failure(steady_now()), State::failed, fmt::format("was not ready in time: {}", late_why));
		else rest(State::stopped, "");
		return;
	}
}

void Process::enter(State next, std::string why)
{
	const bool has_ended = next == State::stopped || next == State::failed;
	state = next;
	reason = std::move(why);
	since_ms = pb::unix_ms();
	if (next != State::starting) step = Step::none;
	const bool is_of_others = settings.observed || (!settings.unit.empty() && next == State::stopped);
	stopped_by = !has_ended ? StoppedBy::unknown : asked_by != StoppedBy::unknown || is_of_others ? asked_by : StoppedBy::nobody;
	if (has_ended || next == State::starting) asked_by = StoppedBy::unknown;
	if (has_ended && goal == Goal::up) goal = Goal::down;
	if (has_ended) clean_up();
	if (next != State::running && next != State::starting) context.graveyard.bury(std::move(probe));
	owner.on_process(*this);
	if (has_ended) satisfy(Await::gone);
	if (next == State::running) satisfy(Await::started);
	if (next == State::ready) satisfy(Await::ready);
}

/// After a tree has gone.
void Process::clean_up()
{
	release_interfaces();
	sample.reset();
	baseline = {};
	is_stop_sent = wants_force = false;
	late_why.clear();
}

/// It ended by itself.
void Process::decide()
{
	const Ended end = last.value_or(Ended{});
	const bool is_unknown_guest = was_adopted && !end.is_known(); // its status was its parent's to know
	const auto decision =
		is_unknown_guest && settings.restart != "always" ? RestartPolicy::Decision{RestartPolicy::Verdict::rest} : policy.on_end(end, steady_now());
	const std::string why = !ended_why.empty() ? ended_why : is_unknown_guest ? "it ended" : fmt::format("exited with status {}", end.code);
	reject(pb::Error(500, "EXECUTION_FAILED", fmt::format("{}: {}", name, why),
		{{"code", end.code < 0 ? pb::Json(nullptr) : pb::Json(end.code)}, {"signal", end.signal ? pb::Json(signal_name(end.signal)) : pb::Json(nullptr)}}));
	if (goal != Goal::up) return rest(State::stopped, why); // it was about to be stopped
	come_to_rest(decision, RestartPolicy::has_failed(end) && !is_unknown_guest ? State::failed : State::stopped, why);
}

/// Or not yet: the policy may want it again.
void Process::come_to_rest(RestartPolicy::Decision decision, State how, const std::string &why)
{
	switch (decision.verdict) {
	case RestartPolicy::Verdict::rest:
		if (how == State::failed) context.scope.error("process failed", {{"process", name}, {"reason", why}});
		return rest(how, why);
	case RestartPolicy::Verdict::give_up:
		context.scope.error("process given up", {{"process", name}, {"reason", why}});
		return rest(State::failed, fmt::format("given up after {} restarts within {:g} s: {}", settings.restart_limit,
									   std::chrono::duration<double>(settings.restart_window).count(), why));
	case RestartPolicy::Verdict::again:
		context.scope.warn("process ended, and is started again", {{"process", name}, {"reason", why}, {"in_ms", decision.delay.count()}});
		clean_up();
		step = Step::backing_off;
		++restarts;
		enter(State::starting, fmt::format("{}; started again in {:g} s", why, std::chrono::duration<double>(decision.delay).count()));
		backed_off.once(decision.delay);
		return;
	}
}

/// It is down; where somebody has asked for that meanwhile, it comes up again.
void Process::rest(State how, const std::string &why)
{
	enter(goal == Goal::again ? State::stopped : how, why);
	if (goal != Goal::again) return;
	policy.forget();
	is_retry = false;
	goal = Goal::up;
	on(Event::wanted);
}

void Process::on_backed_off() noexcept
{
	if (state != State::starting || step != Step::backing_off) return;
	step = Step::waiting;
	is_retry = true;
	owner.on_process(*this);
}

/// A start did not come to a tree. A person's fails at once, as what it is; the policy's own counts as one more end.
void Process::fail(const pb::Error &error)
{
	++attempt;
	backed_off.stop();
	reject(error);
	std::string why = error.what();
	if (why.starts_with(name + ": ")) why.erase(0, name.size() + 2);
	const bool may_retry = is_retry && goal == Goal::up && error.code != "DEPENDENCY_NOT_RUNNING";
	come_to_rest(may_retry ? policy.on_failure(steady_now()) : RestartPolicy::Decision{RestartPolicy::Verdict::rest}, State::failed, why);
}

// ---- what the coordinator asks ----------------------------------------------------------------------------------------

void Process::want(Extra extra_)
{
	extra = std::move(extra_);
	goal = Goal::up;
	policy.forget();
	is_retry = false;
	backed_off.stop();
	if (state == State::starting) { // it was backing off
		step = Step::waiting;
		owner.on_process(*this);
		return;
	}
	on(Event::wanted);
}

void Process::want_again(Extra extra_)
{
	extra = std::move(extra_);
	goal = Goal::again;
}

void Process::refuse(const pb::Error &error) { fail(error); }

void Process::cancel(const std::string &why, StoppedBy who)
{
	if (state != State::starting || runner) return;
	++attempt;
	backed_off.stop();
	goal = Goal::down;
	asked_by = who;
	reject(pb::Error(409, "CONFLICT", fmt::format("the start of {} was ended by {}", name, why)));
	on(Event::cancelled);
}

void Process::leave_stopped(StoppedBy who)
{
	if (!is_resting() || who != StoppedBy::person || stopped_by == who || settings.observed) return;
	stopped_by = who;
	owner.on_process(*this);
}

void Process::aim(Goal next, StoppedBy who)
{
	goal = next;
	asked_by = who;
	if (next == Goal::down) reject(pb::Error(409, "CONFLICT", fmt::format("the start of {} was ended by a stop", name)));
}

void Process::stop(bool force)
{
	if (!runner) return;
	is_stop_sent = true;
	runner->stop(signal_number(settings.stop_signal), force ? milliseconds(0) : settings.stop_timeout);
	on(Event::stop);
}

void Process::take_over(FoundKeeper found, bool was_ready_)
{
	const bool is_alive = found.kind == FoundKeeper::Kind::alive;
	was_ready = was_ready_;
	was_found = !is_alive;
	goal = Goal::up;
	runner = procs::take_over(context, *this, name, settings, std::move(found));
	if (is_alive) enter_taking_over();
	else enter(State::stopping);
}

void Process::adopt(Identity who)
{
	goal = Goal::up;
	runner = make_foreign_runner(context, *this, settings, who);
	enter_taking_over();
	runner->start({});
}

/// Until its runner has said how it is, it is neither free to be started nor up.
void Process::enter_taking_over()
{
	step = Step::taking_over;
	enter(State::starting);
}

/// One that somebody else has started is ours to show and to stop as well.
void Process::on_unit(const UnitState &s)
{
	if (!runner && is_resting()) {
		if (s.active == "unknown") reason = s.result;
		else if (s.load == "not-found") reason = fmt::format("there is no unit {}", settings.unit);
		if (!s.is_up()) return owner.on_process(*this);
		goal = Goal::up;
		runner = make_unit_runner(context, *this, settings);
		enter_taking_over();
	}
	if (runner) runner->on_unit(s);
}

void Process::signal(int number, bool is_for_all, std::function<void(int)> done)
{
	if (!runner) return done(ESRCH);
	runner->signal(number, is_for_all, std::move(done));
}

void Process::look() noexcept
{
	if (runner) runner->look();
	std::erase_if(waiters, [](const Waiter &w) { return w.operation->is_over(); });
}

void Process::observe()
{
	if (!settings.observed || probe || state == State::starting) return;
	probe = std::make_unique<Probe>(context, settings.ready, "", 0, milliseconds(0), *this);
}

bool Process::is_start_pending() const noexcept
{
	if (state == State::starting) return step != Step::backing_off;
	return state == State::running && std::ranges::any_of(waiters, [](const Waiter &w) { return w.what != Await::gone && !w.operation->is_over(); });
}

// ---- what the runner and the probe tell --------------------------------------------------------------------------------

void Process::on_running(Runner &) noexcept
{
	interfaces_held = settings.interfaces.size();
	on(Event::running);
}

void Process::on_changed(Runner &r) noexcept
{
	if (state == State::running && settings.ready.kind == Ready::Kind::notify && r.is_notified()) on(Event::ready);
	else owner.on_process(*this);
	if (r.survivor != 0) look_at_survivor();
}

void Process::on_ended(Runner &, const Ended &e, const std::string &why) noexcept
{
	was_adopted = runner->is_adopted();
	context.graveyard.bury(std::move(runner));
	ended_why = why;
	if (e.step == 0) last = e;
	for (const Waiter &w : waiters)
		if (w.what == Await::gone) w.operation->killed += e.killed;
	owner.on_process_ended(*this, e);
	on(Event::ended);
}

void Process::on_warning(Runner &, const std::string &text) noexcept { context.scope.warn("process: " + text, {{"process", name}}); }

void Process::on_ready() noexcept
{
	context.graveyard.bury(std::move(probe));
	on(Event::ready);
}

void Process::on_not_ready(const std::string &why) noexcept
{
	context.graveyard.bury(std::move(probe));
	if (settings.observed && state != State::starting) {
		if (state == State::ready || reason != why) enter(State::stopped, why);
		return;
	}
	late_why = why;
	const pb::Error error(
		504, "READY_TIMEOUT", fmt::format("{} is not ready after {:g} s: {}", name, std::chrono::duration<double>(settings.ready.timeout).count(), why));
	if (runner) {
		reject(error);
		runner->stop(signal_number(settings.stop_signal), settings.stop_timeout);
		is_stop_sent = true;
	}
	on(Event::late);
}

} // namespace procs
