// Holding an interface: the owner's process and lease, and what others do to it. A notification is a hint; what counts is read back,
// since our own changes are notified as well, and later than they were done.
#include "files.hpp"
#include "holding.hpp"
#include "words.hpp"

#include <fmt/format.h>

#include <linux/nl80211.h>
#include <net/if.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace netif {

using namespace std::chrono_literals;

namespace {
constexpr milliseconds watch_interval = 2s, doubt = 500ms, most_grace = 5s;
constexpr auto repair_interval = 60s; // once in that time a foreign change is put right; Patchbay never fights
} // namespace

// ---- others

void Holding::look(void (Holding::*then)(const Look &))
{
	late.once(20s);
	around.worker.run(
		[&kernel = around.kernel, index = record.index] {
			Look out;
			out.radio_answer = kernel.read_radio(index, out.radio);
			out.link_answer = kernel.read_link(index, out.link);
			return out;
		},
		[this, then](const Look &look) {
			late.stop();
			(this->*then)(look);
		});
}

Holding::Seen Holding::judge(const Look &look) const
{
	if (is_gone || look.radio_answer.error == -ENODEV || look.link_answer.error == -ENODEV) return Seen::gone;
	if (!look.radio_answer.ok() || !look.link_answer.ok()) return Seen::unknown;
	if (record.wanted_type != 0 && look.radio.type != record.wanted_type) return Seen::wrong_type;
	if (record.wanted_type == NL80211_IFTYPE_MONITOR && (look.link.flags & IFF_UP) == 0) return Seen::down;
	return Seen::good;
}

/// What was read is true now; notifications may come later, and a new channel is not notified at all.
void Holding::take(const Look &look)
{
	bool is_changed_now = look.radio_answer.ok() && look.radio.index == record.index && around.links.apply(look.radio);
	is_changed_now |= look.link_answer.ok() && look.link.index == record.index && around.links.apply(look.link) != Links::Change::none;
	if (is_changed_now) around.audience.on_owner_changed(record.index);
}

void Holding::on_watch() noexcept
{
	if (now != State::held || record.wanted_type == 0 || is_looking) return;
	is_looking = true;
	look(&Holding::on_look);
}

void Holding::on_look(const Look &look)
{
	is_looking = false;
	if (now != State::held) return;
	watch.once(watch_interval);
	take(look);
	const Seen seen = judge(look);
	if (seen == Seen::unknown) return;
	if (seen == Seen::good) {
		is_doubtful = false;
		return;
	}
	if (seen == Seen::gone) return lose(record.name + " was unplugged", "INTERFACE_LOST");
	if (seen == Seen::down && !std::exchange(is_doubtful, true)) return watch.once(doubt); // owners take it down for a moment themselves
	is_doubtful = false;
	foreign_change(seen, look);
}

void Holding::foreign_change(Seen seen, const Look &look)
{
	const std::string what = seen == Seen::down ? "was taken down" : fmt::format("was set to {}", mode_name(look.radio.type));
	const std::string message = fmt::format("{} {} while {} owns it", record.name, what, name_owner());
	const auto time = std::chrono::steady_clock::now();
	if (last_repair != std::chrono::steady_clock::time_point{} && time - last_repair < repair_interval) {
		return lose(message + ", for the second time within a minute", "INTERFACE_LOST");
	}
	last_repair = time;
	report("INTERFACE_CHANGED", message, "put right");
	is_retrying = true;
	start_switch();
}

void Holding::lose(const std::string &why, const std::string &cls)
{
	around.scope.warn(why, {{"interface", record.name}, {"owner", record.owner}});
	trouble = why;
	report(cls, why, "given up");
	rest();
	enter(State::undoing);
	// Nothing is changed any more: it is somebody else's, or gone. But NetworkManager was told by us.
	manager_takes_back();
}

void Holding::report(const std::string &cls, const std::string &message, const std::string &action)
{
	pb::Json incident{{"class", cls}, {"interface", record.name}, {"owner", record.owner}, {"message", message}, {"action", action},
		{"since", iso_time(pb::unix_ms())}, {"mode", record.wanted_type != 0 ? pb::Json(mode_name(record.wanted_type)) : pb::Json(nullptr)}};
	// Shared: the callables of a worker are copied.
	const auto shared = std::make_shared<pb::Json>(std::move(incident));
	around.scanner.run([index = record.index] { return find_rivals(index); },
		[&scope = around.scope, &audience = around.audience, shared, own = record.pid](std::vector<Rival> rivals) {
			std::erase_if(rivals, [own](const Rival &r) { return r.pid == own; });
			if (!rivals.empty()) {
				const std::string text = fmt::format("{}; using it: {}", pb::text_at(shared->get(), "message"), name_all(rivals));
				shared->set("message", text);
			}
			shared->set("processes", netif::describe(rivals));
			scope.warn(std::string(pb::text_at(shared->get(), "message")), {{"class", pb::Json::share(pb::at(shared->get(), "class"))}});
			audience.on_incident(std::move(*shared));
		});
}

void Holding::on_news(bool has_gone)
{
	is_gone |= has_gone;
	if (now == State::held && has_gone) return lose(record.name + " was unplugged", "INTERFACE_LOST");
	if (now == State::held && record.wanted_type != 0) watch.once(0ms);
	// Not sooner: our own tries are notified as well.
	if (now == State::stuck && (has_gone || undo_tries >= undo_tries_at_once)) retrying.once(has_gone ? 0ms : 30s);
}

// ---- the owner

void Holding::watch_process()
{
	process.reset();
	if (process_fd >= 0) ::close(process_fd);
	process_fd = -1;
	if (record.pid == 0) return;
	process_fd = static_cast<int>(::syscall(SYS_pidfd_open, record.pid, 0));
	// The PID may have been given away since it was named: the descriptor first, then the comparison.
	if (process_fd >= 0 && record.pid_start != 0 && start_of(record.pid) == record.pid_start) {
		process.emplace(around.scope, process_fd, pb::bind<&Holding::on_process>(this));
		return;
	}
	if (process_fd >= 0) ::close(process_fd);
	process_fd = -1;
	release(std::nullopt, fmt::format("its owner's process {} has ended", record.pid));
}

void Holding::on_process(int, uint32_t) noexcept
{
	process->watch(0); // it stays readable for ever
	release(std::nullopt, fmt::format("its owner's process {} {} has ended", record.pid, command));
}

void Holding::set_lease()
{
	if (record.lease_ms == 0) return lease.stop();
	const std::int64_t left = record.lease_end_ms - pb::unix_ms();
	lease.once(milliseconds(std::max<std::int64_t>(left, 0)));
}

void Holding::on_lease() noexcept
{
	if (now != State::held) return;
	if (!is_grace) {
		is_grace = true;
		report("LEASE_EXPIRED", fmt::format("the lease of {} has ended without being renewed", name_owner()), "given back soon");
		lease.once(std::min(milliseconds(record.lease_ms), most_grace));
		around.audience.on_owner_changed(record.index);
		return;
	}
	release(std::nullopt, "its lease has ended");
}

// ---- words

std::string Holding::name_owner() const
{
	std::string how = record.wanted_type != 0 ? mode_name(record.wanted_type) : "";
	if (record.pid != 0) how += fmt::format("{}PID {} {}", how.empty() ? "" : ", ", record.pid, command);
	return fmt::format("{} since {}{}", record.owner, iso_time(record.since_ms), how.empty() ? "" : " (" + how + ")");
}

pb::Json Holding::describe() const
{
	if (now == State::over) return nullptr;
	static constexpr const char *words[] = {"acquiring", "switching", "held", "releasing", "stuck", ""};
	pb::Json out{{"owner", record.owner}, {"since", iso_time(record.since_ms)}, {"state", words[static_cast<std::size_t>(now)]}};
	std::string mode = record.wanted_type != 0 ? mode_name(record.wanted_type) : mode_before;
	out.set("mode", mode.empty() ? pb::Json(nullptr) : pb::Json(mode));
	out.set("pid", record.pid != 0 ? pb::Json(record.pid) : pb::Json(nullptr));
	out.set("process", command.empty() ? pb::Json(nullptr) : pb::Json(command));
	out.set("expires", record.lease_end_ms != 0 ? pb::Json(iso_time(record.lease_end_ms)) : pb::Json(nullptr));
	out.set("problem", trouble.empty() ? pb::Json(nullptr) : pb::Json(trouble));
	return out;
}

} // namespace netif
