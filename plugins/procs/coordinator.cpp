#include "coordinator.hpp"
#include "units.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <csignal>

namespace procs {

namespace {
constexpr milliseconds first_look{5000}, look_interval{30000}; // after something has happened; at rest

std::string pid_details(const Process &p) { return fmt::format("PID: {}", p.pid()); }

bool conflicts(const Process &a, const Process &b)
{
	return std::ranges::find(a.settings.conflicts, b.name) != a.settings.conflicts.end() ||
		   std::ranges::find(b.settings.conflicts, a.name) != b.settings.conflicts.end();
}
} // namespace

Coordinator::Coordinator(Context &context_, Observer &observer_)
	: context(context_), observer(observer_), pid_files(context_), soon(context_.scope, pb::bind<&Coordinator::begin>(this)),
	  advancing(context_.scope, pb::bind<&Coordinator::on_advance>(this)), looking(context_.scope, pb::bind<&Coordinator::on_look>(this)),
	  shutdown_limit(context_.scope, pb::bind<&Coordinator::on_shutdown_limit>(this))
{
	ProcessOwner &self = *this;
	for (const auto &[name, settings] : context.settings.process) {
		edges[name] = settings.needs;
		processes.emplace(name, std::make_unique<Process>(context, name, settings, self));
		std::vector<std::string> files = settings.pid_files;
		if (!settings.observed && settings.unit.empty()) files.push_back(fmt::format("{}/{}.pid", context.paths.pid_dir, name));
		pid_files.add(name, std::move(files));
		if (!settings.unit.empty() && !context.units) context.units = std::make_unique<Units>(context.scope);
	}
	soon.once(milliseconds(0)); // nothing that comes back later may be asked for before the constructor has succeeded
}

Coordinator::~Coordinator() = default;

Targets Coordinator::find(const std::string &name) const
{
	if (processes.contains(name)) return {{name}, false, name};
	if (context.settings.group.contains(name)) return find_group(name);
	throw pb::Error(404, "NOT_FOUND", fmt::format("no process or group \"{}\"; GET /api/webhook/procs lists them", pb::utf8(name)));
}

Targets Coordinator::find_group(const std::string &name) const
{
	const auto i = context.settings.group.find(name);
	if (i == context.settings.group.end()) throw pb::Error(404, "NOT_FOUND", fmt::format("no group \"{}\" in [plugins.procs.group]", pb::utf8(name)));
	return {i->second, true, name};
}

// ---- start ------------------------------------------------------------------------------------------------------------

/// What has to be started, in order; throws where it may not be.
std::vector<std::string> Coordinator::plan_start(const Targets &targets) const
{
	std::vector<std::string> plan;
	for (const std::string &name : start_order(edges, targets.names)) {
		const Process &p = at(name);
		const bool is_target = std::ranges::find(targets.names, name) != targets.names.end();
		if (p.goal == Goal::up && (p.is_up() || (p.state == State::starting && p.step != Step::backing_off))) continue;
		if (p.settings.observed && p.is_up()) continue;
		if (is_target && p.settings.observed)
			throw pb::Error(
				409, "CONFLICT", fmt::format("{} is only observed; whoever runs it must start it{}{}", name, p.reason.empty() ? "" : ": ", p.reason));
		if (!is_target && !p.settings.on_demand)
			throw pb::Error(424, "DEPENDENCY_NOT_RUNNING",
				fmt::format(
					"{} needs {}, which is {} and may not be started with it (on_demand = false); start it first", targets.name, name, to_string(p.state)),
				{{"dependency", name}});
		plan.push_back(name);
	}
	return plan;
}

void Coordinator::check_conflicts(const std::vector<std::string> &names) const
{
	for (const std::string &name : names) {
		const Process &p = at(name);
		for (const auto &[other, q] : processes) {
			if (q.get() == &p || !conflicts(p, *q)) continue;
			const bool is_there = !q->is_resting(), is_coming = std::ranges::find(names, other) != names.end();
			if (!is_there && !is_coming) continue;
			throw pb::Error(409, "CONFLICT",
				fmt::format("{} and {} must not run together, and {} {}", name, other, other,
					is_there ? fmt::format("is {} (PID {})", to_string(q->state), q->pid()) : "would be started as well"),
				{{"holder", other}});
		}
	}
}

void Coordinator::start(const Targets &targets, Wait wait, milliseconds settle, const Extra &extra, Operation::Done done)
{
	if (is_shutting_down) throw pb::Error(503, "", "the daemon is stopping");
	const std::vector<std::string> plan = plan_start(targets);
	const bool has_target = std::ranges::any_of(plan, [&](const std::string &n) { return std::ranges::find(targets.names, n) != targets.names.end(); });
	if (!has_target) {
		for (const std::string &name : targets.names)
			if (at(name).is_start_pending()) throw pb::Error(409, "START_IN_PROGRESS", fmt::format("{} is being started already", name));
		const Process &p = at(targets.names.back());
		throw pb::Error(409, "ALREADY_RUNNING", fmt::format("{} is running already", targets.name), pb::Json(pid_details(p)));
	}
	check_conflicts(plan);
	auto operation = std::make_shared<Operation>(targets.names, targets.is_group, after_files(std::move(done)));
	operation->group = targets.is_group ? targets.name : "";
	operation->is_first_enough = wait == Wait::first;
	for (const std::string &name : plan) {
		Process &p = at(name);
		const bool is_target = std::ranges::find(targets.names, name) != targets.names.end();
		if (is_target || wait == Wait::first) p.await(operation, wait == Wait::ready ? Await::ready : Await::started, settle);
		const bool has_arguments = is_target && (extra.arguments_for.empty() || extra.arguments_for == name);
		Extra own{has_arguments ? extra.arguments : std::vector<std::string>(), extra.environment, {}};
		if (p.has_tree()) p.want_again(std::move(own)); // it is on its way down, or about to be
		else p.want(std::move(own));
	}
	for (const std::string &name : targets.names) // those that are on their way already
		if (std::ranges::find(plan, name) == plan.end() && wait == Wait::ready && at(name).state != State::ready) at(name).await(operation, Await::ready);
	advancing.once(milliseconds(0));
}

/// True: something has changed.
bool Coordinator::advance_start(Process &p)
{
	bool must_wait = false;
	for (const std::string &need : p.settings.needs) {
		const Process &q = at(need);
		if (q.state == State::ready && q.goal != Goal::again) continue;
		const bool is_coming = q.goal != Goal::down && !q.is_resting();
		if (!is_coming) {
			p.refuse(pb::Error(424, "DEPENDENCY_NOT_RUNNING",
				fmt::format("{} needs {}, which is {}{}{}", p.name, need, to_string(q.state), q.reason.empty() ? "" : ": ", q.reason), {{"dependency", need}}));
			return true;
		}
		must_wait = true;
	}
	if (must_wait) return false;
	p.launch();
	return true;
}

bool Coordinator::advance(Process &p)
{
	if (p.state == State::starting && p.step == Step::waiting) return advance_start(p);
	if (p.goal == Goal::up || !p.has_tree() || p.is_stop_sent) return false;
	const bool is_needed = std::ranges::any_of(processes, [&](const auto &e) {
		return e.second->has_tree() && std::ranges::find(e.second->settings.needs, p.name) != e.second->settings.needs.end() && e.second->goal != Goal::up;
	});
	if (is_needed) return false;
	p.stop(p.wants_force);
	return true;
}

void Coordinator::on_advance() noexcept
{
	for (bool has_changed = true; has_changed;) {
		has_changed = false;
		for (const auto &[name, p] : processes) has_changed |= advance(*p);
	}
	const bool has_trees = std::ranges::any_of(processes, [](const auto &e) { return e.second->has_tree(); });
	if (has_trees) looking.once(first_look);
	else looking.stop();
	const bool is_known = std::ranges::none_of(processes, [](const auto &e) { return e.second->step == Step::taking_over; });
	if (is_taking_over && is_known) finish_begin();
	if (is_shutting_down) next_of_shutdown();
}

// ---- stop -------------------------------------------------------------------------------------------------------------

/// Their dependents as well, and before them.
void Coordinator::take_down(const std::vector<std::string> &names, Down how)
{
	std::vector<std::string> all(names);
	for (const std::string &d : dependents_of(edges, names))
		if (!at(d).is_resting()) all.push_back(d);
	for (const std::string &name : all) {
		Process &p = at(name);
		if (p.settings.observed) continue;
		if (!p.has_tree() && p.state == State::starting) {
			p.cancel(how.goal == Goal::again ? "a restart" : "a stop", how.who);
			if (how.goal == Goal::again) p.want({});
			continue;
		}
		if (!p.has_tree()) continue;
		p.aim(how.goal, how.who);
		p.wants_force |= how.force;
		if (how.force && p.is_stop_sent) p.stop(true);
	}
	advancing.once(milliseconds(0));
}

void Coordinator::stop(const Targets &targets, bool force, StoppedBy who, Operation::Done done)
{
	std::vector<std::string> running;
	for (const std::string &name : targets.names) {
		const Process &p = at(name);
		if (!targets.is_group && p.settings.observed) throw pb::Error(409, "CONFLICT", fmt::format("{} is only observed; whoever runs it must stop it", name));
		if (!p.is_resting() && !p.settings.observed) running.push_back(name);
	}
	for (const std::string &name : targets.names) at(name).leave_stopped(who);
	if (running.empty()) throw pb::Error(404, "NOT_RUNNING", fmt::format("{} is not running", targets.name));
	auto operation = std::make_shared<Operation>(targets.names, targets.is_group, after_files(std::move(done)));
	operation->group = targets.is_group ? targets.name : "";
	for (const std::string &name : running) {
		operation->open.insert(name);
		at(name).await(operation, Await::gone);
	}
	take_down(running, {Goal::down, force, who});
}

void Coordinator::restart(const Targets &targets, Wait wait, Operation::Done done)
{
	if (is_shutting_down) throw pb::Error(503, "", "the daemon is stopping");
	std::vector<std::string> up, down;
	for (const std::string &name : targets.names) {
		if (at(name).settings.observed) throw pb::Error(409, "CONFLICT", fmt::format("{} is only observed; whoever runs it must restart it", name));
		(at(name).is_resting() ? down : up).push_back(name);
	}
	if (up.empty()) return start(targets, wait, {}, {}, std::move(done));
	check_conflicts(plan_start(targets)); // before anything is stopped
	auto operation = std::make_shared<Operation>(targets.names, targets.is_group, after_files(std::move(done)));
	operation->group = targets.is_group ? targets.name : "";
	take_down(up, {Goal::again, false, StoppedBy::person});
	const std::vector<std::string> plan = plan_start(targets);
	for (const std::string &name : down)
		if (at(name).is_resting()) at(name).want({});
	for (const std::string &name : plan)
		if (at(name).is_resting()) at(name).want({});
	for (const std::string &name : targets.names) at(name).await(operation, wait == Wait::ready ? Await::ready : Await::started);
	advancing.once(milliseconds(0));
}

/// What a reply says is so on the disk when it comes: who stopped it, and the PID files.
Operation::Done Coordinator::after_files(Operation::Done done)
{
	return [this, done = std::move(done)](const std::optional<pb::Error> &failure, Operation &operation) {
		auto copy = std::make_shared<Operation>(operation); // shared: std::function copies
		when_kept([this, done, failure, copy] { pid_files.when_written([done, failure, copy] { done(failure, *copy); }); });
	};
}

// ---- what processes tell -----------------------------------------------------------------------------------------------

void Coordinator::on_process(Process &p) noexcept
{
	pid_files.set(p.name, p.pid());
	observer.on_change(p);
	if ((p.is_up() && p.run()) || p.is_resting()) keep(p);
	advancing.once(milliseconds(0));
}

void Coordinator::on_process_ended(Process &p, const Ended &) noexcept { keep(p); }

/// What must be known after our own death.
void Coordinator::keep(Process &p)
{
	pb::Json document = {{"restarts", p.restarts}, {"stopped_by", to_string(p.stopped_by)}};
	if (const Runner *r = p.run())
		document.set("running",
			{{"pid", r->main.pid}, {"start", r->main.start}, {"boot", boot_id()}, {"is_ready", p.state == State::ready}, {"is_adopted", r->is_adopted()}});
	if (guests.contains(p.name)) {
		pb::Json command = pb::Json::array();
		for (const std::string &word : p.settings.command) command.push(word);
		document.set("command", std::move(command));
	}
	if (p.last) document.set("last", {{"code", p.last->code}, {"signal", p.last->signal}, {"began_ms", p.last->began_ms}, {"ended_ms", p.last->ended_ms}});
	if (std::string text = document.text(); text != kept[p.name]) {
		kept[p.name] = std::move(text);
		++being_kept;
		context.scope.put(("process/" + p.name).c_str(), std::move(document), [this](const pb::Result &r) { on_kept(r); });
	}
}

void Coordinator::on_kept(const pb::Result &r)
{
	if (!r.ok()) context.scope.warn("what must outlive the daemon could not be kept", {{"reason", r.error()->text}});
	if (--being_kept > 0) return;
	for (auto &then : std::exchange(waiting, {})) then();
}

void Coordinator::when_kept(std::function<void()> then)
{
	if (being_kept == 0) then();
	else waiting.push_back(std::move(then));
}

std::vector<pid_t> Coordinator::kept_roots() const
{
	std::vector<pid_t> out;
	for (const auto &[name, p] : processes)
		if (p->run()) out.push_back(p->run()->place().root);
	return out;
}

void Coordinator::on_look() noexcept
{
	context.drop_dead();
	for (const auto &[name, p] : processes) p->look();
	if (std::ranges::any_of(processes, [](const auto &e) { return e.second->has_tree(); })) looking.once(look_interval);
}

// ---- the daemon stops ---------------------------------------------------------------------------------------------------

void Coordinator::shut_down(pb::Bound<> done)
{
	is_shutting_down = true;
	shut = done;
	shutdown_limit.once(context.settings.shutdown_timeout);
	for (const auto &[name, p] : processes)
		if (p->state == State::starting && !p->has_tree()) p->cancel("the daemon's stop", StoppedBy::daemon);
	advancing.once(milliseconds(0));
}

/// Each of shutdown_order alone, then all.
void Coordinator::next_of_shutdown()
{
	const auto must_go = [](const Process &p) { return p.has_tree() && p.settings.on_exit == "stop" && p.settings.unit.empty() && !p.is_adopted(); };
	const auto &order = context.settings.shutdown_order;
	for (; shutdown_at < order.size(); ++shutdown_at) {
		const auto i = processes.find(order[shutdown_at]);
		if (i == processes.end() || !must_go(*i->second)) continue;
		if (i->second->goal == Goal::down) return; // until it is gone
		i->second->aim(Goal::down, StoppedBy::daemon);
		advancing.once(milliseconds(0));
		return;
	}
	bool is_any = false;
	for (const auto &[name, p] : processes) {
		if (!must_go(*p)) continue;
		is_any = true;
		if (p->goal == Goal::down) continue;
		p->aim(Goal::down, StoppedBy::daemon);
		advancing.once(milliseconds(0));
	}
	if (is_any) return;
	shutdown_limit.stop();
	when_kept([this] {
		pid_files.when_written([this] {
			if (const auto done = std::exchange(shut, {}); done.call) done();
		});
	});
}

void Coordinator::on_shutdown_limit() noexcept
{
	context.scope.warn("the time for stopping is over; what is left is killed");
	kill_all();
	shutdown_limit.once(context.settings.shutdown_timeout);
}

void Coordinator::kill_all() noexcept
{
	for (const auto &[name, p] : processes)
		if (p->has_tree() && p->settings.on_exit == "stop" && p->settings.unit.empty() && !p->is_adopted()) p->stop(true);
}

} // namespace procs
