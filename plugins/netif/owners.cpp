#include "owners.hpp"

#include "files.hpp"

#include <fmt/format.h>

#include <csignal>

#include <algorithm>
#include <cerrno>

namespace netif {

Owners::Owners(Surroundings &around_, std::vector<std::string> may_be_acquired)
	: around(around_), names(std::move(may_be_acquired)), sweeper(around_.scope, pb::bind<&Owners::sweep>(this))
{}

// ---- asking

Link &Owners::checked(const std::string &name) const
{
	Link *link = around.links.find(name);
	if (!link) throw pb::Error(404, "NOT_FOUND", fmt::format("there is no interface {}", name));
	if (std::ranges::find(names, name) == names.end()) {
		throw pb::Error(
			403, "INTERFACE_NOT_MANAGED", fmt::format("{} is not among the interfaces that may be acquired: setting [plugins.netif] interfaces", name));
	}
	return *link;
}

std::uint32_t Owners::frequency(std::int64_t channel, const Link &link) const
{
	const auto mhz = frequency_of(channel);
	const auto wiphy = link.radio ? around.wiphys.find(link.radio->wiphy) : around.wiphys.end();
	const std::string what = fmt::format("{}: channel {}", link.name, channel);
	if (wiphy == around.wiphys.end()) throw pb::Error(422, "MODE_UNSUPPORTED", what + ": it is not a radio");
	const auto &known = wiphy->second.frequencies;
	const auto found = mhz ? known.find(*mhz) : known.end();
	if (!mhz || (found == known.end() && !known.empty())) throw pb::Error(422, "CHANNEL_UNSUPPORTED", what + ": this adapter does not have it");
	if (found != known.end() && !found->second) {
		const bool is_known = !around.country.empty() && around.country != "00";
		throw pb::Error(
			422, "CHANNEL_UNSUPPORTED", what + " is not allowed " + (is_known ? "in " + around.country : "here (no country is set: iw reg set DE)"));
	}
	return *mhz;
}

Want Owners::want(const AcquireArgs &args, const Link &link) const
{
	Want out{args.owner, 0, 0, args.ttl_ms.value_or(0), static_cast<int>(args.pid.value_or(0))};
	if (args.mode) {
		const auto type = mode_type(*args.mode);
		const auto wiphy = link.radio ? around.wiphys.find(link.radio->wiphy) : around.wiphys.end();
		if (!link.radio) throw pb::Error(422, "MODE_UNSUPPORTED", fmt::format("{} has no modes: it is not a radio", link.name));
		// "No" is sure, "yes" a hope: the read-back decides.
		if (!type || (wiphy != around.wiphys.end() && !wiphy->second.can(*type))) {
			throw pb::Error(422, "MODE_UNSUPPORTED", fmt::format("{}: this adapter cannot do {}", link.name, *args.mode));
		}
		out.type = *type;
	}
	if (args.channel) out.mhz = frequency(*args.channel, link);
	if (out.pid != 0 && ::kill(out.pid, 0) < 0 && errno == ESRCH) {
		throw pb::Error(422, "PROCESS_NOT_FOUND", fmt::format("the owner's process {} does not run", out.pid));
	}
	return out;
}

void Owners::refuse(const Holding &holding) const
{
	const char *how = holding.state() == Holding::State::held ? "is owned by" : "is being acquired by";
	throw pb::Error(409, "INTERFACE_OWNED", fmt::format("{} {} {}", holding.kept().name, how, holding.name_owner()), holding.describe());
}

void Owners::wait(const AcquireArgs &args, pb::Reply &&reply)
{
	if (waiting.size() >= most_waiting) throw pb::Error(503, "BUSY", fmt::format("{} is being given back and too many wait for it", args.name));
	waiting.emplace_back(args, std::move(reply));
}

void Owners::acquire(const AcquireArgs &args, pb::Reply &&reply)
{
	if (is_ending) throw pb::Error(503, "SHUTTING_DOWN", "Patchbay ends: interfaces are given back");
	if (!is_ready) return wait(args, std::move(reply));
	const Link &link = checked(args.name);
	const auto found = holdings.find(link.index);
	if (found == holdings.end()) {
		auto holding = std::make_unique<Holding>(around, link, want(args, link));
		holdings.emplace(link.index, std::move(holding)).first->second->acquire(std::move(reply));
		return;
	}
	Holding &holding = *found->second;
	using State = Holding::State;
	if (holding.state() == State::held && holding.kept().owner == args.owner) return holding.renew(want(args, link), std::move(reply));
	if (holding.state() != State::undoing && holding.state() != State::stuck && holding.state() != State::over) refuse(holding);
	wait(args, std::move(reply));
	if (holding.state() == State::stuck) holding.retry();
}

void Owners::release(const ReleaseArgs &args, pb::Reply &&reply)
{
	const Link &link = checked(args.name);
	const auto found = holdings.find(link.index);
	if (found == holdings.end() || found->second->state() == Holding::State::over)
		throw pb::Error(409, "NOT_OWNER", fmt::format("{} is not owned by anybody", args.name));
	Holding &holding = *found->second;
	if (holding.kept().owner != args.owner) {
		throw pb::Error(409, "NOT_OWNER", fmt::format("{} is owned by {}, not by {}", args.name, holding.name_owner(), args.owner), holding.describe());
	}
	holding.release(std::move(reply), "released by " + args.owner);
}

pb::Json Owners::describe(int index) const
{
	const auto found = holdings.find(index);
	return found == holdings.end() ? pb::Json(nullptr) : found->second->describe();
}

// ---- what goes on

void Owners::on_news(int index, bool is_gone)
{
	if (const auto found = holdings.find(index); found != holdings.end()) found->second->on_news(is_gone);
}

void Owners::sweep() noexcept
{
	pb::detail::guarded(
		[&] {
			std::erase_if(holdings, [](const auto &h) { return h.second->state() == Holding::State::over; });
			if (!is_ready) return;
			// Each is asked again once; those that still must wait queue up anew, in their order.
			std::list<Waiting> again;
			again.swap(waiting);
			for (Waiting &w : again) {
				if (w.has_left) continue;
				const Link *link = around.links.find(w.args.name);
				const auto found = link ? holdings.find(link->index) : holdings.end();
				if (found != holdings.end() && found->second->state() == Holding::State::stuck) {
					w.reply.fail(409, "INTERFACE_STUCK", found->second->problem(), found->second->describe());
					continue;
				}
				pb::detail::guarded([&] { acquire(w.args, std::move(w.reply)); }, [&](const pb_error &e) { w.reply.fail(e); });
			}
		},
		[&](const pb_error &e) { around.scope.error(std::string("sweeping: ") + e.text); });
}

// ---- begin and end

void Owners::recover()
{
	around.worker.run(
		[records = around.records] {
			std::vector<Left> out;
			for (Record &record : records.read_all()) {
				Left left{std::move(record), false, {}};
				left.is_alive = left.record.pid != 0 && start_of(left.record.pid) == left.record.pid_start;
				if (left.record.pid == 0 && left.record.lease_ms == 0) left.users = find_rivals(left.record.index);
				out.push_back(std::move(left));
			}
			return out;
		},
		[this](std::vector<Left> left) { take_up(std::move(left)); });
}

void Owners::take_up(std::vector<Left> left)
{
	for (Left &l : left) {
		Record &record = l.record;
		const Link *link = around.links.find(record.index);
		const bool is_same = link && record.boot_id == around.boot && link->identity() == record.identity &&
							 (!record.wiphy || !link->radio || link->radio->wiphy == *record.wiphy); // not read yet: giving back will read it
		if (!is_same) {
			around.scope.info(fmt::format("the record of {} is of an interface that has gone: dropped", record.name), {{"owner", record.owner}});
			around.worker.run(
				[records = around.records, record] {
					remove_state_file(record.state_file, record.owner, record.since_ms);
					records.remove(record.index);
					return true;
				},
				[](bool) {});
			continue;
		}
		record.name = link->name;
		if (record.pid == 0 && !l.users.empty()) { // its end can be noticed then
			record.pid = l.users.front().pid;
			record.pid_start = start_of(record.pid);
		}
		const bool has_lease = record.lease_ms != 0 && record.lease_end_ms > pb::unix_ms();
		const bool is_in_use = l.is_alive || has_lease || !l.users.empty() || record.step == "handed over";
		auto &holding = holdings[record.index] = std::make_unique<Holding>(around, record);
		holding->recover(is_in_use);
	}
	is_ready = true;
	on_changed();
}

void Owners::give_back(bool also_living)
{
	is_ending = true;
	for (auto &[index, holding] : holdings) {
		if (also_living || !holding->has_living_owner()) holding->release(std::nullopt, "Patchbay ends");
	}
}

void Owners::hand_over()
{
	is_ending = true;
	for (auto &[index, holding] : holdings) holding->hand_over();
}

} // namespace netif
