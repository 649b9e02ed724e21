// The coordinator's beginning: what a former daemon left is found, taken over or cleared away, before anything is served.
#include "coordinator.hpp"
#include "strangers.hpp"
#include "units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace procs {

namespace {
/// One daemon for one keep folder; the lock is free at once when its holder dies.
UniqueFd lock_folder(const std::string &folder, std::string &why)
{
	if (why = make_folder(folder, 0711); !why.empty()) return {};
	const std::string path = folder + "/lock";
	UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
	if (!fd) {
		why = fmt::format("{}: {}", path, std::strerror(errno));
		return {};
	}
	int tries = 100; // a daemon that was killed while it started a process holds it for a moment more, until that one has come to its exec
	while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && --tries > 0) std::this_thread::sleep_for(milliseconds(10));
	if (tries == 0) {
		std::string holder = read_small(path, 32).value_or("");
		holder.erase(std::min(holder.find('\n'), holder.size()));
		why = fmt::format("{}: its keepers belong to another patchbayd, PID {}; stop it, or give this one a state directory of its own", folder, holder);
		return {};
	}
	const std::string text = fmt::format("{}\n", ::getpid());
	if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), text.data(), text.size(), 0) < 0) why.clear(); // only for people
	return fd;
}

Ended ended_of(const json_t *j)
{
	Ended e;
	e.code = static_cast<int>(pb::integer_at(j, "code", -1));
	e.signal = static_cast<int>(pb::integer_at(j, "signal"));
	e.began_ms = pb::integer_at(j, "began_ms");
	e.ended_ms = pb::integer_at(j, "ended_ms");
	return e;
}

Identity running_of(const json_t *document)
{
	const json_t *r = pb::at(document, "running");
	if (pb::text_at(r, "boot") != boot_id()) return {};
	return {static_cast<pid_t>(pb::integer_at(r, "pid")), static_cast<std::uint64_t>(pb::integer_at(r, "start"))};
}
} // namespace

void Coordinator::begin() noexcept
{
	context.scope.list("process/", [this](const pb::Result &r) { on_documents(r); });
	const bool has_commands = std::ranges::any_of(context.settings.process, [](const auto &e) { return !e.second.command.empty(); });
	if (!has_commands && ::access(context.paths.keep_dir.c_str(), F_OK) != 0) return on_scanned({}); // nothing was, nothing will be
	struct Scan {
		UniqueFd lock;
		Found found;
	};
	const bool is_taken = context.scope.work(
		[folder = context.paths.keep_dir] {
			Scan s;
			s.lock = lock_folder(folder, s.found.why);
			if (s.lock) s.found.keepers = scan_keepers(folder);
			return s;
		},
		[this](Scan s) noexcept {
			lock = std::move(s.lock);
			on_scanned(std::move(s.found));
		});
	if (!is_taken) soon.once(milliseconds(100));
}

/// Where no command was configured, and so nothing was looked for.
void Coordinator::hold_folder()
{
	std::string why;
	lock = lock_folder(context.paths.keep_dir, why);
	if (!lock) throw pb::Error(500, "EXECUTION_FAILED", why);
}

void Coordinator::on_documents(const pb::Result &r)
{
	if (r.ok()) documents = pb::Json::share(r.json());
	else context.scope.warn("what was known of the processes cannot be read", {{"reason", r.error()->text}});
	has_documents = true;
	if (found) begin_serving();
}

void Coordinator::on_scanned(Found f) noexcept
{
	if (!f.why.empty()) {
		context.no_commands = f.why;
		context.scope.error("commands cannot be run", {{"reason", f.why}});
	}
	found = std::move(f.keepers);
	if (has_documents) begin_serving();
}

void Coordinator::begin_serving()
{
	restore_guests();
	for (const auto &[name, p] : processes) {
		const json_t *document = pb::at(documents.get(), ("process/" + name).c_str());
		if (const json_t *last = pb::at(document, "last")) p->last = ended_of(last);
		p->restarts = static_cast<int>(pb::integer_at(document, "restarts"));
		// It ran, and went with the machine. Where its keeper is found after all, that one knows better.
		p->stopped_by = pb::at(document, "running") ? StoppedBy::daemon : stopped_by_of(pb::text_at(document, "stopped_by"));
	}
	for (FoundKeeper &k : *found) {
		const auto i = processes.find(k.name);
		const json_t *document = pb::at(documents.get(), ("process/" + k.name).c_str());
		const bool was_ready = k.id.main && running_of(document) == k.id.main && pb::bool_at(pb::at(document, "running"), "is_ready");
		if (i != processes.end() && !i->second->settings.command.empty() && !i->second->has_tree()) {
			context.scope.info("process taken over", {{"process", k.name}, {"pid", k.id.main.pid},
														 {"keeper", k.kind == FoundKeeper::Kind::alive   ? "alive"
																	: k.kind == FoundKeeper::Kind::ended ? "ended meanwhile"
																										 : "lost"}});
			i->second->take_over(std::move(k), was_ready);
		} else {
			context.scope.warn("a process of a former configuration is stopped", {{"process", k.name}, {"pid", k.id.main.pid}});
			leftovers.push_back(std::make_unique<Leftover>(context, std::move(k)));
		}
	}
	found->clear();
	adopt_strangers();
}

void Coordinator::adopt_strangers()
{
	struct Rule {
		std::string name;
		Adopt rule;
		Identity known, who;
	};
	std::vector<Rule> rules;
	for (const auto &[name, p] : processes) {
		if (!p->settings.adopt || p->has_tree()) continue;
		rules.push_back({name, *p->settings.adopt, {}, {}});
	}
	const auto go_on = [this] { // what was taken over tells how it is first
		is_taking_over = true;
		advancing.once(milliseconds(0));
	};
	if (rules.empty()) return go_on();
	const bool is_taken = context.scope.work(
		[rules, roots = kept_roots()]() mutable {
			for (Rule &r : rules) r.who = find_stranger(r.rule, roots);
			return std::move(rules);
		},
		[this, go_on](std::vector<Rule> done) noexcept {
			for (const Rule &r : done) {
				if (!r.who) continue;
				context.scope.info("process adopted", {{"process", r.name}, {"pid", r.who.pid}});
				at(r.name).adopt(r.who);
			}
			go_on();
		});
	if (!is_taken) go_on();
}

void Coordinator::finish_begin()
{
	is_taking_over = false;
	begun = true;
	pid_files.write_all();
	for (const auto &[name, p] : processes) {
		if (p->is_resting() && pb::at(pb::at(documents.get(), ("process/" + name).c_str()), "running")) keep(*p); // it went with the machine
		if (!p->settings.unit.empty()) context.units->watch(p->settings.unit, [process = p.get()](const UnitState &s) { process->on_unit(s); });
	}
	documents = {};
	observer.on_begun();
	if (!is_shutting_down) start_automatic();
}

void Coordinator::start_automatic()
{
	for (const auto &[name, p] : processes) {
		if (p->settings.observed) p->observe();
		if (!p->settings.autostart || !p->is_resting() || p->has_tree()) continue;
		try {
			start({{name}, false, name}, Wait::ready, {}, {}, [this, who = name](const std::optional<pb::Error> &failure, Operation &) {
				if (failure) context.scope.error("process not started with the daemon", {{"process", who}, {"reason", failure->what()}});
			});
		} catch (const pb::Error &e) { // another's start has taken it along
			if (e.code != "START_IN_PROGRESS" && e.code != "ALREADY_RUNNING")
				context.scope.error("process not started with the daemon", {{"process", name}, {"reason", e.what()}});
		}
	}
}

Coordinator::Leftover::Leftover(Context &context_, FoundKeeper found_) : context(context_), name(found_.name), settings{}
{
	settings.stop_signal = "SIGTERM";
	settings.ready.kind = Ready::Kind::none;
	runner = procs::take_over(context, *this, name, settings, std::move(found_));
	runner->stop(signal_number(settings.stop_signal), milliseconds(15000));
}

void Coordinator::Leftover::on_ended(Runner &, const Ended &, const std::string &) noexcept
{
	context.scope.info("the process of a former configuration has ended", {{"process", name}});
	context.graveyard.bury(std::move(runner));
}

} // namespace procs
