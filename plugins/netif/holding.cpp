// Taking an interface: checks, then one step after the other.
#include "holding.hpp"

#include "files.hpp"
#include "words.hpp"

#include <fmt/format.h>

#include <linux/nl80211.h>
#include <net/if.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace netif {

using namespace std::chrono_literals;

/// What the checks have read.
struct Holding::Checked {
	Answer radio_answer, link_answer;
	Radio radio;
	LinkNews link;
	std::vector<Radio> siblings;
	Hardware hardware;
	std::vector<std::string> kept;
	std::string command;
	unsigned long long pid_start = 0;
};

Holding::Holding(Surroundings &around_, const Link &link, Want want)
	: around(around_), late(around_.scope, pb::bind<&Holding::on_late>(this)), watch(around_.scope, pb::bind<&Holding::on_watch>(this)),
	  lease(around_.scope, pb::bind<&Holding::on_lease>(this)), retrying(around_.scope, pb::bind<&Holding::on_retry>(this))
{
	record.boot_id = around.boot;
	record.identity = link.identity();
	record.index = link.index;
	record.name = link.name;
	if (link.radio) record.wiphy = link.radio->wiphy;
	record.owner = std::move(want.owner);
	record.wanted_type = want.type;
	record.wanted_mhz = want.mhz;
	record.lease_ms = want.lease_ms;
	record.pid = want.pid;
	record.since_ms = pb::unix_ms();
	record.state_file = state_path(around.state_pattern, link.name);
}

Holding::Holding(Surroundings &around_, Record record_)
	: around(around_), record(std::move(record_)), late(around_.scope, pb::bind<&Holding::on_late>(this)),
	  watch(around_.scope, pb::bind<&Holding::on_watch>(this)), lease(around_.scope, pb::bind<&Holding::on_lease>(this)),
	  retrying(around_.scope, pb::bind<&Holding::on_retry>(this))
{}

Holding::~Holding()
{
	process.reset();
	if (process_fd >= 0) ::close(process_fd);
}

void Holding::enter(State state)
{
	now = state;
	around.audience.on_owner_changed(record.index);
}

void Holding::acquire(pb::Reply reply)
{
	asking.emplace(std::move(reply));
	asking->on_cancel(pb::bind<&Holding::on_cancel>(this));
	check();
}

void Holding::check()
{
	enter(State::checking);
	const bool with_radio = record.wanted_type != 0 || record.wanted_mhz != 0;
	around.worker.run(
		[&kernel = around.kernel, index = record.index, name = record.name, pid = record.pid, wiphy = record.wiphy, with_radio] {
			Checked out;
			out.link_answer = kernel.read_link(index, out.link);
			if (with_radio && out.link_answer.ok()) {
				out.radio_answer = kernel.read_radio(index, out.radio);
				if (wiphy) kernel.read_siblings(*wiphy, index, out.siblings);
				out.hardware = read_hardware(name);
				out.kept = kernel.keep(index);
			}
			if (pid != 0) {
				out.pid_start = start_of(pid);
				out.command = command_of(pid);
			}
			return out;
		},
		[this](Checked checked) { on_checked(std::move(checked)); });
}

Circumstances Holding::about() const { return {record.name, mode_name(record.wanted_type), record.wanted_mhz, around.country, sibling, is_hard_blocked}; }

Fault Holding::judge(const Checked &checked) const
{
	if (Fault fault = explain(Step::read, checked.link_answer, about()); !fault.is_none()) return fault;
	if (Fault fault = explain(Step::read, checked.radio_answer, about()); !fault.is_none()) return fault;
	if (record.pid != 0 && checked.pid_start == 0) return {422, "PROCESS_NOT_FOUND", fmt::format("the owner's process {} does not run", record.pid)};
	const bool is_blocked = checked.hardware.is_soft_blocked.value_or(false) || checked.hardware.is_hard_blocked.value_or(false);
	if (record.wanted_type == NL80211_IFTYPE_MONITOR && is_blocked) return radio_is_off(record.name, checked.hardware.is_hard_blocked.value_or(false));
	const bool will_monitor = record.wanted_type == NL80211_IFTYPE_MONITOR || (record.wanted_type == 0 && checked.radio.type == NL80211_IFTYPE_MONITOR);
	if (record.wanted_mhz != 0 && !will_monitor) {
		return {422, "CHANNEL_UNSUPPORTED", fmt::format("{}: a channel can be chosen in monitor mode alone; elsewhere it is the network's", record.name)};
	}
	return {};
}

void Holding::on_checked(Checked checked)
{
	if (must_stop()) return;
	if (Fault fault = judge(checked); !fault.is_none()) return fail(fault);
	record.type = checked.radio.type;
	is_type_right = checked.radio.type == record.wanted_type;
	record.was_up = (checked.link.flags & IFF_UP) != 0;
	record.kept = std::move(checked.kept);
	record.pid_start = checked.pid_start;
	command = checked.command;
	is_hard_blocked = checked.hardware.is_hard_blocked.value_or(false);
	for (const Radio &r : checked.siblings) {
		const Link *link = around.links.find(r.index);
		if (link && link->is_up()) sibling = r.name;
	}
	mode_before = record.type != 0 ? mode_name(record.type) : "";
	if (record.type == 0) {
		const Link *link = around.links.find(record.index);
		if (link && link->radio) mode_before = mode_name(link->radio->type);
	}
	claim();
}

void Holding::claim()
{
	record.step = "checking";
	struct Out {
		std::string record_error;
		Claim claim;
	};
	const std::string mode = record.wanted_type != 0 ? mode_name(record.wanted_type) : mode_before;
	around.worker.run(
		[records = around.records, record = record, mode] {
			Out out;
			out.record_error = records.write(record);
			if (!out.record_error.empty() && record.wanted_type != 0) return out; // no change without a way back
			out.claim = claim_state_file(record.state_file, record.owner, mode, record.since_ms, 0);
			return out;
		},
		[this](const Out &out) { on_claimed(out.claim, out.record_error); });
}

void Holding::on_claimed(const Claim &claim, const std::string &record_error)
{
	if (!record_error.empty() && record.wanted_type != 0) return fail({500, "RECORD_FAILED", record_error});
	if (claim.is == Claim::foreign) {
		const std::string who = claim.owner.empty() ? "a program that does not say its name" : claim.owner;
		const std::string path = std::exchange(record.state_file, "");
		return fail({409, "INTERFACE_OWNED",
			fmt::format("{} is owned by {}, says {}, which Patchbay did not write; remove the file if that program is gone", record.name, who, path)});
	}
	if (claim.is == Claim::failed) {
		around.scope.warn(claim.why + "; older tools will not see who owns " + record.name);
		record.state_file.clear();
	}
	if (must_stop()) return;
	watch_process();
	if (must_stop()) return;
	if (record.wanted_type == 0 && record.wanted_mhz == 0) return become_held();
	start_switch();
}

void Holding::start_switch()
{
	enter(State::switching);
	type_tries = 0;
	if (record.wanted_type == 0) return step_up(); // a channel alone
	if (is_retrying || record.was_managed) return on_manager_known(record.was_managed);
	around.manager.ask(record.name, [this](std::optional<bool> is_managed) { on_manager_known(is_managed); });
}

void Holding::on_manager_known(std::optional<bool> is_managed)
{
	if (must_stop()) return;
	record.was_managed = is_managed;
	if (!is_managed.value_or(false)) return step_down();
	write_record("manager", [this](const std::string &why) {
		if (must_stop()) return;
		if (!why.empty()) return fail({500, "RECORD_FAILED", why});
		is_changed = true;
		around.manager.set_managed(record.name, false, [this](const std::string &refused) {
			if (!refused.empty()) around.scope.warn(fmt::format("NetworkManager does not let go of {}: {}; going on", record.name, refused));
			if (must_stop()) return;
			step_down();
		});
	});
}

void Holding::write_record(const char *step, std::function<void(const std::string &)> done)
{
	record.step = step;
	around.worker.run(
		[records = around.records, record = record] { return records.write(record); }, [done = std::move(done)](const std::string &why) { done(why); });
}

void Holding::step(const char *name, std::function<Answer(Kernel &)> job, Then then)
{
	record.step = name;
	is_changed = true;
	late.once(20s);
	around.worker.run(
		[&kernel = around.kernel, records = around.records, record = record, job = std::move(job)] {
			// The first change stands on disk already; that a later step does not get there spoils nothing.
			[[maybe_unused]] const std::string why = records.write(record);
			return job(kernel);
		},
		[this, then](const Answer &answer) {
			late.stop();
			(this->*then)(answer);
		});
}

void Holding::step_down()
{
	if (is_type_right && !is_retrying) return record.wanted_type == NL80211_IFTYPE_MONITOR ? step_up() : verify();
	step(
		"down", [index = record.index](Kernel &k) { return k.set_up(index, false); }, &Holding::on_down);
}

void Holding::on_down(const Answer &answer)
{
	if (must_stop()) return;
	if (Fault fault = explain(Step::down, answer, about()); !fault.is_none()) return fail(fault);
	step(
		"type", [index = record.index, type = record.wanted_type](Kernel &k) { return k.set_type(index, type); }, &Holding::on_type);
}

void Holding::on_type(const Answer &answer)
{
	if (must_stop()) return;
	if (answer.error == -EBUSY && ++type_tries == 1) {
		return step(
			"down", [index = record.index](Kernel &k) { return k.set_up(index, false); }, &Holding::on_down);
	}
	if (Fault fault = explain(Step::type, answer, about()); !fault.is_none()) return fail(fault);
	if (record.wanted_type != NL80211_IFTYPE_MONITOR && !record.was_up) return verify();
	step_up();
}

void Holding::step_up()
{
	step(
		"up", [index = record.index](Kernel &k) { return k.set_up(index, true); }, &Holding::on_up);
}

void Holding::on_up(const Answer &answer)
{
	if (must_stop()) return;
	if (Fault fault = explain(Step::up, answer, about()); !fault.is_none()) return fail(fault);
	if (record.wanted_mhz == 0) return verify();
	step(
		"frequency", [index = record.index, mhz = record.wanted_mhz](Kernel &k) { return k.set_frequency(index, mhz); }, &Holding::on_frequency);
}

void Holding::on_frequency(const Answer &answer)
{
	if (must_stop()) return;
	if (Fault fault = explain(Step::frequency, answer, about()); !fault.is_none()) return fail(fault);
	verify();
}

void Holding::verify() { look(&Holding::on_verified); }

void Holding::on_verified(const Look &look)
{
	if (must_stop()) return;
	if (Fault fault = explain(Step::read, look.radio_answer, about()); !fault.is_none()) return fail(fault);
	take(look);
	const Seen seen = judge(look);
	if (seen == Seen::gone) return fail(unplugged(record.name));
	if (seen == Seen::wrong_type) {
		return fail({409, "INTERFACE_BUSY",
			fmt::format(
				"{} was set to {} and reads back as {}: another program changes it", record.name, mode_name(record.wanted_type), mode_name(look.radio.type))});
	}
	if (seen == Seen::down) return fail({409, "INTERFACE_BUSY", fmt::format("{} was brought up and is down again: another program changes it", record.name)});
	// An answer of 0 is no proof: where another interface has the radio, the channel is not ours to choose.
	if (record.wanted_mhz != 0 && !is_retrying && look.radio.frequency != record.wanted_mhz)
		return fail(explain(Step::frequency, {-EBUSY, "", false}, about()));
	become_held();
}

void Holding::become_held()
{
	if (record.lease_ms != 0 && !is_retrying) record.lease_end_ms = pb::unix_ms() + record.lease_ms;
	write_record("held", [this](const std::string &) {
		if (must_stop()) return;
		trouble.clear();
		enter(State::held);
		set_lease();
		if (record.wanted_type != 0) watch.once(500ms); // some drivers and programs fall back a moment later
		if (!is_retrying) around.scope.info(fmt::format("{} is owned", record.name), {{"interface", record.name}, {"owner", name_owner()}});
		is_retrying = is_renewing = false;
		answer();
	});
}

void Holding::answer()
{
	if (auto reply = std::exchange(asking, std::nullopt)) (*reply)(around.audience.entry(record.index));
}

/// Between two steps: has something come that ends this?
bool Holding::must_stop()
{
	if (now != State::checking && now != State::switching) return true;
	if (!must_undo && !is_late) return false;
	if (pending_fault.is_none()) pending_fault = {409, "INTERFACE_RELEASED", fmt::format("{}: released while it was being acquired", record.name)};
	undo();
	return true;
}

void Holding::fail(const Fault &fault)
{
	if (is_retrying) {
		trouble = fault.text;
		report("INTERFACE_LOST", fault.text, "given back");
	}
	if (is_renewing && record.step == "frequency") { // the owner keeps what it had
		if (auto reply = std::exchange(asking, std::nullopt)) reply->fail(fault.status, fault.code, fault.text);
		record.wanted_mhz = 0;
		return become_held();
	}
	pending_fault = fault;
	undo();
}

void Holding::on_cancel() noexcept
{
	asking.reset();
	if (is_renewing || (now != State::checking && now != State::switching)) return;
	must_undo = true; // nobody would know of the grant
	if (reason.empty()) reason = "the caller has left";
}

void Holding::on_late() noexcept
{
	is_late = true;
	trouble = fmt::format("{}: the driver has not answered \"{}\" for 20 s", record.name, record.step);
	around.scope.error(trouble);
	pending_fault = {504, "INTERFACE_STUCK", trouble + "; Patchbay gives it back as soon as the driver answers"};
	const auto say = [&](pb::Reply &reply) { reply.fail(504, pending_fault.code, pending_fault.text); };
	if (auto reply = std::exchange(asking, std::nullopt)) say(*reply);
	for (pb::Reply &reply : std::exchange(giving, {})) say(reply);
	around.audience.on_owner_changed(record.index);
}

void Holding::renew(const Want &want, pb::Reply reply)
{
	record.lease_ms = want.lease_ms;
	record.lease_end_ms = want.lease_ms != 0 ? pb::unix_ms() + want.lease_ms : 0;
	is_grace = false;
	if (want.pid != 0 && want.pid != record.pid) {
		record.pid = want.pid;
		record.pid_start = start_of(want.pid);
		command = command_of(want.pid);
		watch_process();
	}
	answer(); // an earlier renewal that is being written: this one says more
	asking.emplace(std::move(reply));
	asking->on_cancel(pb::bind<&Holding::on_cancel>(this));
	is_type_right = want.type == 0 || want.type == record.wanted_type;
	const bool is_same = (want.type == 0 || want.type == record.wanted_type) && (want.mhz == 0 || want.mhz == record.wanted_mhz);
	if (want.type != 0) record.wanted_type = want.type;
	if (want.mhz != 0) record.wanted_mhz = want.mhz;
	if (is_same) {
		set_lease();
		write_record("held", [this](const std::string &) {
			if (now == State::held) answer();
		});
		around.audience.on_owner_changed(record.index);
		return;
	}
	is_renewing = true;
	watch.stop();
	if (record.type == 0) return check(); // it was held as it is: what it is has not been read
	start_switch();
}

} // namespace netif
