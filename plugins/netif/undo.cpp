// Giving an interface back: to the mode it had, up or down as it was, with its addresses and routes, and to NetworkManager.
#include "files.hpp"
#include "holding.hpp"
#include "words.hpp"

#include <fmt/format.h>

#include <net/if.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace netif {

using namespace std::chrono_literals;

namespace {
constexpr std::array<milliseconds, Holding::undo_tries_at_once> retry_after{1s, 5s, 30s};

/// On the worker. No fault where the interface is gone: there is nothing left to give back. note: what is not worth a failure.
Fault restore(Kernel &kernel, const Record &record, std::string &note)
{
	Circumstances about{record.name, mode_name(record.type), 0, "", "", false};
	Radio radio;
	const Answer read = kernel.read_radio(record.index, radio);
	if (read.error == -ENODEV) return {};
	if (Fault fault = explain(Step::read, read, about); !fault.is_none()) return fault;
	if (radio.type != record.type) {
		Answer type{-EBUSY, "", false};
		for (int i = 0; i < 2 && type.error == -EBUSY; ++i) {
			if (Fault fault = explain(Step::down, kernel.set_up(record.index, false), about); !fault.is_none()) return fault;
			type = kernel.set_type(record.index, record.type);
		}
		if (Fault fault = explain(Step::type, type, about); !fault.is_none()) return fault;
	}
	// NetworkManager raises it itself, with addresses and routes.
	const bool is_managers = record.was_managed.value_or(false);
	const bool must_be_up = record.was_up && !is_managers;
	if (Fault fault = explain(must_be_up ? Step::up : Step::down, kernel.set_up(record.index, must_be_up), about); !fault.is_none()) return fault;
	for (const std::string &message : record.kept) {
		const Answer put = must_be_up ? kernel.put_back(message) : Answer{};
		if (!put.ok()) note = fmt::format("{}: an address or a route could not be put back: {} {}", record.name, std::strerror(-put.error), put.text);
	}
	const Answer again = kernel.read_radio(record.index, radio);
	if (again.ok() && radio.type != record.type) {
		return {409, "INTERFACE_BUSY",
			fmt::format("{} was set to {} and reads back as {}: another program changes it", record.name, mode_name(record.type), mode_name(radio.type))};
	}
	return {};
}
} // namespace

void Holding::rest() noexcept
{
	late.stop();
	watch.stop();
	lease.stop();
	retrying.stop();
	if (process) process->watch(0);
}

void Holding::release(std::optional<pb::Reply> reply, const std::string &why)
{
	if (reply) giving.push_back(std::move(*reply));
	if (reason.empty()) reason = why;
	if (now == State::checking || now == State::switching) {
		must_undo = true; // the step under way ends first
		return;
	}
	if (now == State::stuck) return retry();
	if (now == State::held) undo();
}

void Holding::undo()
{
	rest();
	enter(State::undoing);
	if (!reason.empty()) around.scope.info(fmt::format("{} is given back: {}", record.name, reason), {{"interface", record.name}, {"owner", record.owner}});
	if (!is_changed || record.wanted_type == 0 || record.type == 0) return manager_takes_back();
	record.step = "undo";
	late.once(30s);
	struct Undone {
		Fault fault;
		Look look;
		std::string note;
	};
	around.worker.run(
		[&kernel = around.kernel, records = around.records, record = record] {
			[[maybe_unused]] const std::string why = records.write(record);
			Undone out;
			out.fault = restore(kernel, record, out.note);
			out.look.radio_answer = kernel.read_radio(record.index, out.look.radio);
			out.look.link_answer = kernel.read_link(record.index, out.look.link);
			return out;
		},
		[this](const Undone &out) {
			late.stop();
			if (!out.note.empty()) around.scope.warn(out.note);
			on_undone(out.fault, out.look);
		});
}

void Holding::on_undone(const Fault &fault, const Look &look)
{
	if (now != State::undoing) return;
	take(look);
	if (fault.is_none() || is_gone) return manager_takes_back();
	const Link *link = around.links.find(record.index);
	const std::string mode = link && link->radio ? mode_name(link->radio->type) : mode_name(record.wanted_type);
	const bool is_last = undo_tries >= undo_tries_at_once;
	trouble = mode == mode_name(record.type) ? fmt::format("{} is back in {} mode, but not as it was: {}", record.name, mode, fault.text)
											 : fmt::format("{} is still in {} mode: {}", record.name, mode, fault.text);
	around.scope.error(trouble + (is_last ? "; Patchbay tries again when the interface changes or is asked for" : "; Patchbay tries again"));
	const Fault told{fault.status == 504 ? 504 : 500, "INTERFACE_STUCK", trouble};
	if (auto reply = std::exchange(asking, std::nullopt)) reply->fail(told.status, told.code, told.text);
	for (pb::Reply &reply : std::exchange(giving, {})) reply.fail(told.status, told.code, told.text);
	if (!is_last) retrying.once(retry_after[static_cast<std::size_t>(undo_tries++)]);
	else report("INTERFACE_STUCK", trouble, "given up");
	enter(State::stuck);
}

void Holding::on_retry() noexcept
{
	if (now == State::stuck) undo();
}

void Holding::retry()
{
	undo_tries = 0;
	undo();
}

void Holding::manager_takes_back()
{
	if (is_gone || !record.was_managed.value_or(false)) return finish();
	around.manager.ask(record.name, [this](std::optional<bool> is_managed) {
		if (!is_managed) {
			around.scope.warn(fmt::format("NetworkManager has no device {} any more and will not manage it: systemctl restart NetworkManager", record.name));
			return finish();
		}
		around.manager.set_managed(record.name, true, [this](const std::string &why) {
			if (!why.empty())
				around.scope.warn(fmt::format("NetworkManager does not take {} back: {} (nmcli device set {} managed yes)", record.name, why, record.name));
			finish();
		});
	});
}

void Holding::finish()
{
	around.worker.run(
		[records = around.records, record = record] {
			remove_state_file(record.state_file, record.owner, record.since_ms);
			records.remove(record.index);
			return true;
		},
		[this](bool) {
			enter(State::over);
			if (auto reply = std::exchange(asking, std::nullopt)) reply->fail(pending_fault.status, pending_fault.code, pending_fault.text);
			for (pb::Reply &reply : std::exchange(giving, {})) reply(around.audience.entry(record.index));
		});
}

void Holding::recover(bool is_in_use)
{
	is_changed = true;
	const bool was_held = record.step == "held" || record.step == "handed over";
	if (!was_held || !is_in_use) {
		reason = was_held ? "the daemon ended, and nobody is left who would give it back" : fmt::format("the daemon ended while it was at \"{}\"", record.step);
		return undo();
	}
	command = record.pid != 0 ? command_of(record.pid) : "";
	watch_process();
	if (must_undo) return undo(); // its process has ended
	enter(State::held);
	around.scope.info(fmt::format("{} goes on being owned", record.name), {{"interface", record.name}, {"owner", name_owner()}});
	set_lease();
	if (record.wanted_type != 0) watch.once(0ms);
}

void Holding::hand_over()
{
	if (now != State::held) return;
	rest();
	write_record("handed over", [](const std::string &) {});
}

} // namespace netif
