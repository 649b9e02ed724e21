#include "process.hpp"

#include "keeper_spawn.hpp"
#include "lost.hpp"
#include "strangers.hpp"
#include "units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace procs {

namespace {
constexpr milliseconds ask_limit{60000}; // bringing an interface into a mode takes seconds

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
		} else if (event == Event::running) {
			enter(State::running);
			begin_probe();
		} else if (event == Event::ready) enter(State::ready); // an observed one
		else if (event == Event::ended) decide();              // it ended while no daemon was there
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
		if (!late_why.empty()) fail(pb::Error(504, "READY_TIMEOUT", fmt::format("{} was not ready in time: {}", name, late_why)));
		else enter(State::stopped);
		if (goal == Goal::again) {
			policy.forget();
			goal = Goal::up;
			on(Event::wanted);
		}
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
	const bool is_unknown_guest = was_adopted && !last->is_known(); // its status was its parent's to know
	const auto decision =
		is_unknown_guest && settings.restart != "always" ? RestartPolicy::Decision{RestartPolicy::Verdict::rest} : policy.on_end(*last, steady_now());
	const std::string why = !ended_why.empty() ? ended_why : is_unknown_guest ? "it ended" : fmt::format("exited with status {}", last->code);
	reject(pb::Error(500, "EXECUTION_FAILED", fmt::format("{}: {}", name, why),
		{{"code", last->code < 0 ? pb::Json(nullptr) : pb::Json(last->code)},
			{"signal", last->signal ? pb::Json(signal_name(last->signal)) : pb::Json(nullptr)}}));
	if (goal == Goal::again) { // it was about to be stopped, to be started again
		enter(State::stopped, why);
		policy.forget();
		goal = Goal::up;
		return on(Event::wanted);
	}
	if (goal == Goal::down) return enter(State::stopped, why); // it was about to be stopped
	switch (decision.verdict) {
	case RestartPolicy::Verdict::rest: enter(RestartPolicy::has_failed(*last) && !is_unknown_guest ? State::failed : State::stopped, why); return;
	case RestartPolicy::Verdict::give_up:
		context.scope.error("process given up", {{"process", name}, {"reason", why}});
		enter(State::failed, fmt::format("given up after {} restarts within {:g} s: {}", settings.restart_limit,
								 std::chrono::duration<double>(settings.restart_window).count(), why));
		return;
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

void Process::on_backed_off() noexcept
{
	if (state != State::starting || step != Step::backing_off) return;
	step = Step::waiting;
	owner.on_process(*this);
}

void Process::fail(const pb::Error &error)
{
	context.scope.error("process failed", {{"process", name}, {"reason", error.what()}});
	++attempt;
	backed_off.stop();
	reject(error);
	std::string why = error.what();
	if (why.starts_with(name + ": ")) why.erase(0, name.size() + 2);
	enter(State::failed, std::move(why));
}

// ---- what the coordinator asks ----------------------------------------------------------------------------------------

void Process::want(Extra extra_)
{
	extra = std::move(extra_);
	goal = Goal::up;
	policy.forget();
	backed_off.stop();
	if (state == State::starting) { // it was backing off
		step = Step::waiting;
		owner.on_process(*this);
		return;
	}
	on(Event::wanted);
}

void Process::launch()
{
	++attempt;
	if (settings.observed) {
		step = Step::spawning;
		probe = std::make_unique<Probe>(context, settings.ready, "", 0, settings.ready.timeout, *this);
		return;
	}
	if (settings.adopt) return find_foreign();
	step = Step::asking;
	ask_ports(0);
}

void Process::refuse(const pb::Error &error) { fail(error); }

void Process::cancel(const std::string &why)
{
	if (state != State::starting || runner) return;
	++attempt;
	backed_off.stop();
	goal = Goal::down;
	reject(pb::Error(409, "CONFLICT", fmt::format("the start of {} was ended by {}", name, why)));
	on(Event::cancelled);
}

void Process::aim(Goal next)
{
	goal = next;
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
	was_ready = was_ready_;
	goal = Goal::up;
	runner = procs::take_over(context, *this, name, settings, std::move(found));
}

void Process::adopt(Identity who)
{
	goal = Goal::up;
	runner = make_foreign_runner(context, *this, settings, who);
	runner->start({});
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
	}
	if (runner) runner->on_unit(s);
}

void Process::signal(int number, bool is_for_all, std::function<void(int)> done)
{
	if (!runner) return done(ESRCH);
	runner->signal(number, is_for_all, std::move(done));
}

void Process::await(const OperationPtr &operation, Await what, milliseconds settle)
{
	operation->open.insert(name);
	waiters.push_back({operation, what, settle});
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

// ---- from wish to tree ------------------------------------------------------------------------------------------------

void Process::find_foreign()
{
	step = Step::adopting;
	const bool is_taken = context.scope.work([rule = *settings.adopt, roots = owner.kept_roots()] { return find_stranger(rule, roots); },
		[this, now = attempt, token = alive](Identity who) noexcept {
		if (!*token || now != attempt) return;
		step = Step::asking;
		if (who) return adopt(who);
		ask_ports(0);
	});
	if (!is_taken) fail(pb::Error(503, "", fmt::format("{}: the worker pool is busy; try again", name)));
}

/// A method of another plugin, which may not be there: then there is nothing to ask, and `then` gets nothing.
void Process::ask(const char *method, pb::Json args, const std::string &for_what, std::function<void(const json_t *)> then)
{
	context.scope.call(
		method, std::move(args),
		[this, for_what, then = std::move(then), now = attempt, token = alive](const pb::Result &r) {
		if (!*token || now != attempt) return;
		const bool is_absent = !r.ok() && r.error()->status == 404 && std::string_view(r.error()->text).starts_with("no method");
		if (r.ok() || is_absent) return then(r.json());
		fail(pb::Error(r.error()->status, r.error()->code, fmt::format("{} needs {}: {}", name, for_what, r.error()->text)));
		},
		ask_limit);
}

/// What the port table says of it first, then its own `ports`, one by one.
void Process::ask_ports(std::size_t index)
{
	if (index > settings.ports.size()) return ask_interfaces(0);
	if (index == 0) {
		return ask("ports.check", {{"process", name}}, "its ports", [this](const json_t *r) {
			const json_t *first = json_array_get(pb::at(r, "conflicts"), 0);
			if (first) fail(port_error(pb::integer_at(first, "port"), pb::at(first, "holder")));
			else ask_ports(1);
		});
	}
	const int port = settings.ports[index - 1];
	ask("ports.check", {{"port", port}}, fmt::format("port {}", port), [this, port, index](const json_t *r) {
		const json_t *first = json_array_get(pb::at(r, "holders"), 0);
		if (first) fail(port_error(port, first));
		else ask_ports(index + 1);
	});
}

pb::Error Process::port_error(std::int64_t port, const json_t *holder) const
{
	return pb::Error(409, "CONFLICT",
		fmt::format(
			"{} needs port {}, and {} (PID {}) listens on it", name, port, pb::text_at(holder, "command", "another program"), pb::integer_at(holder, "pid")),
		pb::Json::share(holder ? holder : json_null()));
}

void Process::ask_interfaces(std::size_t index)
{
	if (index >= settings.interfaces.size()) return run_command();
	const Interface &i = settings.interfaces[index];
	pb::Json args = {{"name", i.name}, {"owner", name}};
	if (!i.mode.empty()) args.set("mode", i.mode);
	interfaces_held = index + 1; // from now on: a refused one is released as well, which does no harm
	ask("netif.acquire", std::move(args), "interface " + i.name, [this, index](const json_t *) { ask_interfaces(index + 1); });
}

void Process::release_interfaces()
{
	for (; interfaces_held > 0; --interfaces_held) {
		const Interface &i = settings.interfaces[interfaces_held - 1];
		context.scope.call("netif.release", {{"name", i.name}, {"owner", name}}, {}, ask_limit);
	}
}

void Process::run_command()
{
	if (settings.unit.empty() && !context.no_commands.empty()) return fail(pb::Error(503, "", fmt::format("{}: {}", name, context.no_commands)));
	step = Step::spawning;
	runner = settings.unit.empty() ? make_keeper_runner(context, *this, name, settings) : make_unit_runner(context, *this, settings);
	runner->start(extra);
	extra = {};
}

void Process::begin_probe()
{
	const Ready &r = settings.ready;
	const bool has_no_output = runner->is_adopted() && (r.kind == Ready::Kind::notify || r.kind == Ready::Kind::log); // to us
	const bool is_noticed =
		r.kind == Ready::Kind::none || (r.kind == Ready::Kind::notify && runner->is_notified()) || std::exchange(was_ready, false) || has_no_output;
	if (is_noticed) return on(Event::ready);
	probe = std::make_unique<Probe>(context, r, log_of(context.paths, name), runner->began_ms, r.timeout, *this);
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

// ---- who waits --------------------------------------------------------------------------------------------------------

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

void Process::reject(const pb::Error &error)
{
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
