// A command behind its keeper: spawned, or taken over from a former daemon; stopped; and its end told once, with all of it.
#include "keeper_spawn.hpp"
#include "log_tail.hpp"
#include "lost.hpp"
#include "restart.hpp"

#include <fmt/format.h>

#include <csignal>

namespace procs {

namespace {
constexpr milliseconds start_limit{20000}; // to HELLO, on a machine under load
constexpr unsigned last_lines = 6;

/// What is left to do, on a worker, when a keeper is done or dead.
struct Aftermath {
	Ended ended;
	std::string why;
};

class KeeperRunner final : public Runner, public KeeperLink::Owner {
public:
	KeeperRunner(Context &context_, RunnerOwner &owner_, std::string name_, const ProcessSettings &settings_)
		: Runner(context_, owner_), name(std::move(name_)), settings(settings_), alive(std::make_shared<bool>(true))
	{}
	~KeeperRunner() override { *alive = false; }

	void start(const Extra &extra) override
	{
		nonce = random_nonce();
		const bool is_taken = context.scope.work([job = SpawnJob{settings, context.paths, name, extra, nonce}] { return spawn_keeper(job); },
			[this, token = alive](Spawned s) noexcept {
				if (*token) on_spawned(std::move(s));
			});
		if (!is_taken) fail_later("the worker pool is busy; try again");
	}

	/// Takes over what the scan for keepers has found.
	void take(FoundKeeper found)
	{
		nonce = found.nonce;
		folder = std::move(found.folder);
		cgroup = found.id.cgroup;
		keeper = found.id.keeper;
		cgns = found.id.cgns;
		main = found.id.main;
		began_ms = found.id.began_ms;
		if (found.kind == FoundKeeper::Kind::alive) {
			attach(std::move(found.socket), std::move(found.pidfd));
			link->send(KEEP_GET);
			return;
		}
		has_run = true;
		finish(found.ended, found.kind == FoundKeeper::Kind::lost);
	}

	void stop(int number, milliseconds limit) override
	{
		stop_wanted = {number, limit};
		if (link) link->send(KEEP_STOP, {number, limit});
	}

	void signal(int number, bool is_for_all, std::function<void(int)> done) override
	{
		if (!link) return done(ESRCH);
		answers.emplace(link->send(KEEP_SIGNAL, {number, {}, is_for_all ? static_cast<std::uint32_t>(KEEP_TREE) : 0u}), std::move(done));
	}

	void look() noexcept override
	{
		if (link) link->look_for_stop(keeper.pid);
	}
	[[nodiscard]] TreePlace place() const override { return {keeper.pid, false, cgroup}; }
	[[nodiscard]] bool is_notified() const noexcept override { return has_notified; }

private:
	void on_spawned(Spawned s) noexcept
	{
		folder = s.folder;
		cgroup = s.cgroup;
		if (!s.why.empty()) {
			Ended e;
			e.step = s.step;
			e.error = s.error;
			e.ended_ms = pb::unix_ms();
			owner.on_ended(*this, e, s.why);
			return;
		}
		if (const auto st = stat_of(s.keeper)) keeper = {s.keeper, st->start};
		attach(std::move(s.socket), std::move(s.pidfd));
		link->expect_answer(start_limit);
		if (stop_wanted) link->send(KEEP_STOP, {stop_wanted->signal, stop_wanted->limit});
	}

	void attach(UniqueFd socket, UniqueFd pidfd) { link = std::make_unique<KeeperLink>(context, std::move(socket), std::move(pidfd), nonce, *this); }

	void on_packet(const keep_packet &p) noexcept override
	{
		switch (p.type) {
		case KEEP_HELLO:
		case KEEP_STATE: return on_state(p);
		case KEEP_EXIT: return on_exit(p);
		case KEEP_DONE:
			if (auto a = answers.extract(p.seq)) a.mapped()(p.error);
			return;
		case KEEP_BUSY: // a former daemon's connection is not closed yet, or somebody else's is there
			owner.on_warning(*this, "its keeper is controlled by another process");
			return;
		default: return;
		}
	}

	void on_state(const keep_packet &p) noexcept
	{
		const bool was_notified = std::exchange(has_notified, (p.flags & KEEP_IS_READY) != 0);
		const Identity now{p.pid, p.start};
		const bool is_new_main = !(main == now) && (p.flags & KEEP_IS_MAIN_GONE) == 0;
		const bool has_changed = is_new_main || was_notified != has_notified || status_text != p.text || survivor != p.survivor;
		if (is_new_main || !has_run) main = now;
		if (!pin) hold_namespace();
		if (!(p.flags & KEEP_HAS_CGROUP)) cgroup.clear();
		status_text = p.text;
		survivor = p.survivor;
		began_ms = p.began_ms;
		if (!std::exchange(has_run, true)) owner.on_running(*this);
		else if (has_changed) owner.on_changed(*this);
	}

	/// As long as we hold it, its number finds the tree's processes and nobody else's.
	void hold_namespace()
	{
		UniqueFd fd = pin_namespace(main.pid);
		if (!fd || !is_alive(main) || (cgns != 0 && number_of(fd) != cgns)) return;
		cgns = number_of(fd);
		pin = std::make_shared<const UniqueFd>(std::move(fd));
	}

	void on_exit(const keep_packet &p) noexcept
	{
		Ended e;
		e.code = p.code;
		e.signal = p.signal;
		e.began_ms = p.began_ms;
		e.ended_ms = p.ended_ms;
		e.killed = p.killed;
		e.lost = p.lost;
		e.step = p.step;
		e.error = p.error;
		finish(e, false);
	}

	/// The keeper is gone without a word: its record may be there, else it was killed.
	void on_closed() noexcept override { finish({}, true); }
	void on_silent(const std::string &what) noexcept override { owner.on_warning(*this, what); }

	void finish(const Ended &ended, bool is_gone) noexcept
	{
		if (link) {
			link->dismiss();
			context.keep_dying(std::move(link));
		}
		for (auto &[seq, done] : std::map(std::move(answers))) done(ESRCH);
		const LostTree tree{folder, name, to_hex(nonce), cgroup, keeper, main, cgns, pin};
		const bool is_taken = context.scope.work(
			[ended, is_gone, tree, s = settings, log = log_of(context.paths, name), began = began_ms] { return settle(ended, is_gone, tree, s, log, began); },
			[this, token = alive](Aftermath a) noexcept {
				if (*token) owner.on_ended(*this, a.ended, a.why);
			});
		if (!is_taken) again_later(ended, is_gone);
	}

	static Aftermath settle(Ended ended, bool is_gone, const LostTree &tree, const ProcessSettings &settings, const std::string &log, std::int64_t began)
	{
		Aftermath a{ended, ""};
		if (is_gone) {
			const auto record = parse_exit(read_small(tree.folder + "/exit").value_or(""));
			if (record) a.ended = *record;
			else {
				const LostEnd end = end_lost_tree(tree);
				a.ended.began_ms = began;
				a.ended.ended_ms = pb::unix_ms();
				a.ended.killed = end.killed;
				a.why = end.text;
			}
		}
		remove_folder(tree.folder, tree.cgroup);
		if (a.ended.step != 0) a.why = explain(a.ended.step, a.ended.error, settings, tree.name);
		else if (RestartPolicy::has_failed(a.ended) && a.why.empty()) a.why = describe_end(a.ended, log);
		return a;
	}

	/// "exited with status 3 after 0.2 s; its last lines: …"
	static std::string describe_end(const Ended &e, const std::string &log)
	{
		const double seconds = static_cast<double>(e.ended_ms - e.began_ms) / 1000;
		std::string out = e.signal != 0 ? fmt::format("ended by {} after {:.1f} s", signal_name(e.signal), seconds)
										: fmt::format("exited with status {} after {:.1f} s", e.code, seconds);
		const std::string lines = last_words(log, e.began_ms, last_lines);
		return lines.empty() ? out : out + "; its last lines: " + lines;
	}

	void fail_later(const std::string &why)
	{
		later = std::make_unique<pb::Timer>(context.scope, pb::bind<&KeeperRunner::on_later>(this));
		later_why = why;
		later->once(milliseconds(0));
	}
	void again_later(const Ended &ended, bool is_gone)
	{
		later = std::make_unique<pb::Timer>(context.scope, pb::bind<&KeeperRunner::on_later>(this));
		later_end = {ended, is_gone};
		later->once(milliseconds(100));
	}
	void on_later() noexcept
	{
		if (later_end) {
			const auto [ended, is_gone] = *std::exchange(later_end, {});
			return finish(ended, is_gone);
		}
		Ended e;
		e.step = KEEP_STEP_SPEC;
		e.error = EAGAIN;
		e.ended_ms = pb::unix_ms();
		owner.on_ended(*this, e, later_why);
	}

	struct Stop {
		int signal;
		milliseconds limit;
	};
	const std::string name;
	const ProcessSettings &settings;
	Nonce nonce{};
	Identity keeper;
	std::uint64_t cgns = 0;
	std::shared_ptr<const UniqueFd> pin; // shared: the job that ends a lost tree holds it too
	std::string folder, cgroup, later_why;
	std::optional<std::pair<Ended, bool>> later_end;
	bool has_notified = false, has_run = false;
	std::optional<Stop> stop_wanted;
	std::map<std::uint32_t, std::function<void(int)>> answers;
	std::shared_ptr<bool> alive; // shared: jobs on workers outlive us
	std::unique_ptr<KeeperLink> link;
	std::unique_ptr<pb::Timer> later;
};
} // namespace

std::unique_ptr<Runner> make_keeper_runner(Context &context, RunnerOwner &owner, const std::string &name, const ProcessSettings &settings)
{
	return std::make_unique<KeeperRunner>(context, owner, name, settings);
}

std::unique_ptr<Runner> take_over(Context &context, RunnerOwner &owner, const std::string &name, const ProcessSettings &settings, FoundKeeper found)
{
	auto runner = std::make_unique<KeeperRunner>(context, owner, name, settings);
	runner->take(std::move(found));
	return runner;
}

} // namespace procs
