// procs: starts, watches and stops the kit's processes, in order and whole, and lets none go when the daemon dies.
#include "coordinator.hpp"
#include "entry.hpp"
#include "log_route.hpp"
#include "sampler.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <csignal>
#include <cstring>

namespace procs {

namespace {
constexpr milliseconds longest_call{3600000}; // a start may wait an hour for its readiness
constexpr std::size_t most_waiting_calls = 256;
constexpr milliseconds summary_pause{50};       // it names all: with each change of many it would cost their square
constexpr std::string_view healer = "recovery"; // the plugin whose stops are no person's

template<typename C> constexpr auto name_field() { return pb::field("name", &C::name, {.fallback = "\"\"", .max = 64, .help = "a process, or else a group"}); }
template<typename C> constexpr auto group_field()
{
	return pb::field("group", &C::group, {.fallback = "\"\"", .max = 64, .help = "a group, also where a process has the same name"});
}

struct StartArgs {
	std::string name, group, wait, arguments_for;
	milliseconds settle;
	std::map<std::string, std::string> environment;
	std::vector<std::string> arguments;
	static constexpr auto fields = pb::fields(name_field<StartArgs>(), group_field<StartArgs>(),
		pb::field("wait", &StartArgs::wait,
			{.fallback = "\"ready\"",
				.choices = "ready|started|first",
				.help = "answer when it is ready, when it runs, or when the first of those to be started runs"}),
		pb::field("settle", &StartArgs::settle, {.fallback = "0s", .min = 0ms, .max = 60s, .help = "with started and first: it must have run for that long"}),
		pb::field("environment", &StartArgs::environment, {.fallback = "{}", .max = 64, .help = "variables for this start; from other plugins alone"}),
		pb::field("arguments", &StartArgs::arguments, {.fallback = "[]", .max = 64, .help = "further arguments for this start; from other plugins alone"}),
		pb::field(
			"arguments_for", &StartArgs::arguments_for, {.fallback = "\"\"", .max = 64, .help = "the one process of a group that gets them; empty: each"}));
};
struct RunArgs {
	std::string name, wait;
	std::vector<std::string> command;
	milliseconds settle;
	static constexpr auto fields = pb::fields(pb::field("name", &RunArgs::name, {.min = 1, .max = 64, .help = "what it is called from now on"}),
		pb::field("command", &RunArgs::command, {.min = 1, .max = 64, .help = "program, by its absolute path, and arguments"}),
		pb::field("wait", &RunArgs::wait, {.fallback = "\"started\"", .choices = "ready|started|first", .help = "as in procs.start"}),
		pb::field("settle", &RunArgs::settle, {.fallback = "0s", .min = 0ms, .max = 60s, .help = "it must have run for that long"}));
};
struct StopArgs {
	std::string name, group;
	bool force;
	static constexpr auto fields =
		pb::fields(name_field<StopArgs>(), group_field<StopArgs>(), pb::field("force", &StopArgs::force, {.fallback = "false", .help = "SIGKILL at once"}));
};
struct RestartArgs {
	std::string name, group, wait;
	static constexpr auto fields = pb::fields(name_field<RestartArgs>(), group_field<RestartArgs>(),
		pb::field("wait", &RestartArgs::wait, {.fallback = "\"ready\"", .choices = "ready|started", .help = "answer when it is ready, or when it runs"}));
};
struct StatusArgs {
	std::string name, group;
	static constexpr auto fields = pb::fields(name_field<StatusArgs>(), group_field<StatusArgs>());
};
struct SignalArgs {
	std::string name, signal;
	bool tree;
	static constexpr auto fields = pb::fields(pb::field("name", &SignalArgs::name, {.min = 1, .max = 64, .help = "a process"}),
		pb::field("signal", &SignalArgs::signal, {.min = 1, .max = 16, .help = "its name or number: SIGHUP, USR1, 10"}),
		pb::field("tree", &SignalArgs::tree, {.fallback = "false", .help = "to all of the tree, not the main process alone"}));
};
struct TailArgs {
	std::string name;
	int lines;
	static constexpr auto fields = pb::fields(pb::field("name", &TailArgs::name, {.min = 1, .max = 64, .help = "a process"}),
		pb::field("lines", &TailArgs::lines, {.fallback = "100", .min = 1, .max = 10000, .help = "how many of the last lines"}));
};

using ReplyPtr = std::shared_ptr<pb::Reply>; // shared: std::function copies

void fail(pb::Reply &reply, const pb::Error &e)
{
	pb_error out{};
	pb::detail::fill(out, e.status, e.code, e.what(), e.details ? e.details->get() : nullptr);
	reply.fail(out);
}

Wait wait_of(const std::string &text) noexcept { return text == "started" ? Wait::started : text == "first" ? Wait::first : Wait::ready; }

class Checked {
protected:
	explicit Checked(const Settings &s) : settings(s)
	{
		if (const auto faults = faults_in(settings); !faults.empty()) throw std::runtime_error(fmt::format("{}", fmt::join(faults, "; ")));
	}
	const Settings settings;
};
} // namespace

class Procs final : private Checked, private Coordinator::Observer {
public:
	using Settings = procs::Settings;

	Procs(pb::Scope &scope, const Settings &settings_)
		: Checked(settings_), context(scope, settings, find_paths(settings, scope.host->state_dir)), coordinator(context, *this), sampler(context, coordinator),
		  summary(scope, "procs/summary", "how many processes are in which state, and each one's state and PID"), logs(context, coordinator),
		  start(
			  scope, "procs.start", pb::bind<&Procs::on_start>(this), {.help = "start a process or a group, after what it requires", .deadline = longest_call}),
		  stop(scope, "procs.stop", pb::bind<&Procs::on_stop>(this),
			  {.help = "stop a process or a group with all of its tree, after what requires it", .deadline = longest_call}),
		  guest(scope, "procs.run", pb::bind<&Procs::on_run>(this),
			  {.help = "run a command that another plugin's settings allow, as a process like all others; from plugins alone", .deadline = longest_call}),
		  restart(scope, "procs.restart", pb::bind<&Procs::on_restart>(this),
			  {.help = "stop it with what requires it, and start all of that again", .deadline = longest_call}),
		  status(scope, "procs.status", pb::bind<&Procs::on_status>(this), {.help = "one process or group, or without a name all", .role = PB_VIEWER}),
		  signal(scope, "procs.signal", pb::bind<&Procs::on_signal>(this), {.help = "send a signal"}),
		  tail(scope, "procs.tail", pb::bind<&Procs::on_tail>(this), {.help = "the last lines of its output", .role = PB_VIEWER}),
		  list_route(scope, "GET procs", "method:procs.status", {.help = "all processes"}),
		  one_route(scope, "GET procs/{name}", "method:procs.status", {.help = "one process, or a group"}),
		  start_route(
			  scope, "POST procs/{name}/start", "method:procs.start", {.help = "start it, and answer when it is ready or runs", .deadline = longest_call}),
		  stop_route(scope, "POST procs/{name}/stop", "method:procs.stop", {.help = "stop it, and answer when its tree is gone", .deadline = longest_call}),
		  restart_route(scope, "POST procs/{name}/restart", "method:procs.restart", {.help = "stop and start it", .deadline = longest_call}),
		  sampling(scope, pb::bind<&Procs::on_sample_time>(this)), summing(scope, pb::bind<&Procs::publish_summary>(this))
	{
		for (const auto &[name, p] : coordinator.all()) topics.emplace(name, std::make_unique<ProcessTopic>(*this, *p));
		publish_summary();
		for (const auto &[name, t] : topics) t->publish();
	}

	~Procs()
	{
		if (is_shutting_down) coordinator.kill_all(); // the time is over, or was taken from us
	}

	void drain(bool is_shutdown, pb::Bound<> done) noexcept
	{
		if (!is_shutdown) return done(); // the keepers go on; the next instance takes them over
		is_shutting_down = true;
		if (coordinator.has_begun()) coordinator.shut_down(done);
		else drained = done; // once it is known what there is to stop
	}

private:
	struct ProcessTopic {
		ProcessTopic(Procs &procs_, Process &process_)
			: procs(procs_), process(process_),
			  topic(procs_.context.scope, ("procs/" + process_.name).c_str(), "state of one process", PB_DROP_SAME, pb::bind<&ProcessTopic::on_watch>(this))
		{}
		void on_watch(int is_watched_) noexcept
		{
			is_watched = is_watched_ != 0;
			procs.on_watchers();
		}
		void publish() noexcept { topic.publish(entry_of(process)); }
		Procs &procs;
		Process &process;
		bool is_watched = false;
		pb::Topic topic;
	};

	// ---- the methods ----

	/// Before it is known what a former daemon left, nothing is answered.
	template<typename F> void serve(pb::Reply &&reply, F f)
	{
		auto held = std::make_shared<pb::Reply>(std::move(reply));
		auto run = [held, f] { pb::detail::guarded([&] { f(held); }, [&](const pb_error &e) { held->fail(e); }); };
		if (coordinator.has_begun()) return run();
		if (waiting.size() >= most_waiting_calls) throw pb::Error(503, "", "the processes of the former daemon are still being looked for; try again");
		waiting.push_back(std::move(run));
	}

	[[nodiscard]] Targets targets_of(const std::string &name, const std::string &group) const
	{
		if (name.empty() == group.empty()) throw pb::Error(400, "VALIDATION_ERROR", "give one of name and group");
		return group.empty() ? coordinator.find(name) : coordinator.find_group(group);
	}

	/// E, or the group's, of those that a request was about.
	[[nodiscard]] pb::Json result_of(const Operation &operation) const
	{
		if (!operation.is_group) return entry_of(coordinator.at(operation.names.front()));
		std::vector<const Process *> members;
		for (const std::string &name : operation.names) members.push_back(&coordinator.at(name));
		return group_entry(operation.group, members);
	}

	[[nodiscard]] Operation::Done answer(const ReplyPtr &reply)
	{
		return [this, reply](const std::optional<pb::Error> &failure, Operation &operation) {
			if (failure) return fail(*reply, *failure);
			pb::Json out = result_of(operation);
			if (operation.is_first_enough) out.set("first", operation.first);
			(*reply)(std::move(out));
		};
	}

	void on_start(const StartArgs &args, pb::Reply &&reply)
	{
		if ((!args.environment.empty() || !args.arguments.empty()) && *reply.caller().address != 0)
			throw pb::Error(403, "FORBIDDEN", "environment and arguments are taken from other plugins alone; write them into the process's settings");
		serve(std::move(reply), [this, args](const ReplyPtr &r) {
			coordinator.start(
				targets_of(args.name, args.group), wait_of(args.wait), args.settle, {args.arguments, args.environment, args.arguments_for}, answer(r));
		});
	}

	void on_run(const RunArgs &args, pb::Reply &&reply)
	{
		if (*reply.caller().address != 0)
			throw pb::Error(403, "FORBIDDEN", "commands are taken from other plugins alone; write a process into [plugins.procs]");
		serve(std::move(reply), [this, args](const ReplyPtr &r) {
			coordinator.invite(args.name, args.command);
			coordinator.start({{args.name}, false, args.name}, wait_of(args.wait), args.settle, {}, answer(r));
		});
	}

	void on_stop(const StopArgs &args, pb::Reply &&reply)
	{
		const std::string_view plugin = *reply.caller().address == 0 ? reply.caller().name : ""; // others act for a person
		const StoppedBy who = plugin == healer ? StoppedBy::daemon : StoppedBy::person;
		serve(std::move(reply), [this, args, who](const ReplyPtr &r) {
			const Targets targets = targets_of(args.name, args.group);
			pid_t pid = 0;
			pb::Json stopped = pb::Json::array();
			for (const std::string &name : targets.names) {
				const Process &p = coordinator.at(name);
				if (pid == 0) pid = p.pid();
				if (!p.is_resting() && !p.settings.observed) stopped.push({{"name", name}, {"pid", p.pid()}});
			}
			auto list = std::make_shared<pb::Json>(std::move(stopped)); // shared: std::function copies
			coordinator.stop(targets, args.force, who, [this, r, pid, list](const std::optional<pb::Error> &failure, Operation &operation) {
				if (failure) return fail(*r, *failure);
				pb::Json out = result_of(operation);
				const auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - operation.began);
				out.set("stopped", {{"pid", pid > 0 ? pb::Json(pid) : pb::Json(nullptr)}, {"method", operation.killed > 0 ? "force" : "graceful"},
									   {"killed", operation.killed}, {"took_ms", took.count()}, {"processes", pb::Json::share(list->get())}});
				(*r)(std::move(out));
			});
		});
	}

	void on_restart(const RestartArgs &args, pb::Reply &&reply)
	{
		serve(std::move(reply), [this, args](const ReplyPtr &r) { coordinator.restart(targets_of(args.name, args.group), wait_of(args.wait), answer(r)); });
	}

	void on_status(const StatusArgs &args, pb::Reply &&reply)
	{
		serve(std::move(reply), [this, args](const ReplyPtr &r) {
			const bool is_all = args.name.empty() && args.group.empty();
			const Targets targets = is_all ? Targets{} : targets_of(args.name, args.group);
			for (const auto &[name, p] : coordinator.all()) p->observe();
			sampler.refresh([this, r, is_all, targets] {
				if (is_all) return (*r)(everything());
				(*r)(result_of(operation_of(targets)));
			});
		});
	}

	[[nodiscard]] static Operation operation_of(const Targets &targets)
	{
		Operation o(targets.names, targets.is_group, {});
		o.group = targets.name;
		return o;
	}

	[[nodiscard]] pb::Json everything() const
	{
		pb::Json list = pb::Json::array(), groups = pb::Json::object();
		for (const auto &[name, p] : coordinator.all()) list.push(entry_of(*p));
		for (const auto &[name, members] : settings.group) {
			pb::Json names = pb::Json::array();
			for (const std::string &m : members) names.push(m);
			groups.set(name.c_str(), std::move(names));
		}
		return {{"processes", std::move(list)}, {"groups", std::move(groups)}};
	}

	void on_signal(const SignalArgs &args, pb::Reply &&reply)
	{
		const int number = signal_number(args.signal);
		if (number == 0) throw pb::Error(400, "VALIDATION_ERROR", fmt::format("{} is no signal", pb::utf8(args.signal)));
		serve(std::move(reply), [this, args, number](const ReplyPtr &r) {
			const Targets targets = coordinator.find(args.name);
			if (targets.is_group) throw pb::Error(400, "VALIDATION_ERROR", fmt::format("{} is a group; a signal goes to one process", args.name));
			Process &p = coordinator.at(args.name);
			if (p.pid() == 0) throw pb::Error(404, "NOT_RUNNING", fmt::format("{} is not running", args.name));
			p.signal(number, args.tree, [r, number, name = args.name, pid = p.pid()](int error) {
				if (error != 0)
					return r->fail(error == ESRCH ? 404 : 500, error == ESRCH ? "NOT_RUNNING" : "",
						fmt::format("{} to {} (PID {}): {}", signal_name(number), name, pid, std::strerror(error)));
				(*r)({{"name", name}, {"pid", pid}, {"signal", signal_name(number)}});
			});
		});
	}

	void on_tail(const TailArgs &args, pb::Reply &&reply)
	{
		serve(std::move(reply), [this, args](const ReplyPtr &r) {
			const Targets targets = coordinator.find(args.name);
			if (targets.is_group) throw pb::Error(400, "VALIDATION_ERROR", fmt::format("{} is a group; each of its processes has a log of its own", args.name));
			logs.tail(args.name, static_cast<std::size_t>(args.lines), [r](const std::string &json) { r->text(json); });
		});
	}

	// ---- what changes ----

	void on_change(Process &p) noexcept override
	{
		if (const auto i = topics.find(p.name); i != topics.end()) i->second->publish();
		if (!std::exchange(is_summary_due, true)) summing.once(std::max(milliseconds(0), summary_pause - age_of_summary()));
	}

	void on_guest(Process &p) override
	{
		topics.emplace(p.name, std::make_unique<ProcessTopic>(*this, p)).first->second->publish();
		publish_summary();
	}

	void on_begun() noexcept override
	{
		if (is_shutting_down) coordinator.shut_down(drained);
		for (auto &run : std::exchange(waiting, {})) run();
	}

	[[nodiscard]] milliseconds age_of_summary() const noexcept { return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - summed); }

	void publish_summary() noexcept
	{
		is_summary_due = false;
		summed = std::chrono::steady_clock::now();
		summary.publish(summary_of(coordinator.all()));
	}

	void on_watchers() noexcept
	{
		const bool is_any = std::ranges::any_of(topics, [](const auto &t) { return t.second->is_watched; });
		if (is_any == std::exchange(is_sampling, is_any)) return;
		if (is_any) sampling.every(settings.sample_interval, pb::from_now);
		else sampling.stop();
	}

	void on_sample_time() noexcept
	{
		for (const auto &[name, t] : topics)
			if (t->is_watched) t->process.observe();
		sampler.refresh([this] {
			for (const auto &[name, t] : topics)
				if (t->is_watched && t->process.is_up()) t->publish();
		});
	}

	Context context;
	bool is_sampling = false, is_shutting_down = false, is_summary_due = false;
	std::chrono::steady_clock::time_point summed{};
	pb::Bound<> drained;
	std::vector<std::function<void()>> waiting;
	std::map<std::string, std::unique_ptr<ProcessTopic>> topics;
	Coordinator coordinator;
	Sampler sampler;
	pb::Topic summary;
	LogRoute logs;
	pb::Method<StartArgs> start;
	pb::Method<StopArgs> stop;
	pb::Method<RunArgs> guest;
	pb::Method<RestartArgs> restart;
	pb::Method<StatusArgs> status;
	pb::Method<SignalArgs> signal;
	pb::Method<TailArgs> tail;
	pb::Route list_route, one_route, start_route, stop_route, restart_route;
	pb::Timer sampling, summing;
};

} // namespace procs

PATCHBAY_PLUGIN_WITH(procs::Procs, "procs", "1.0.0", "", PB_EXCLUSIVE)
