// Session, second half: what Kismet's answers mean, and the event bus.
#include "kismet/session.hpp"

#include <algorithm>
#include <utility>

namespace kismet {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t packet_clock_slack = 60; // s: an event of packets that long ago says that their clock went back

} // namespace

void Session::become_up()
{
	phase = Phase::up;
	failures = 0;
	state.next_attempt_ms = 0;
	connections = http.connections();
	make_due(Task::alerts);
	make_due(Task::sources);
	set_link(State::up, {}, {});
	answer_refreshes();
	bus_failures = 0;
	if (options.wants_events) connect_bus();
}

void Session::on_status(const Status &s)
{
	const bool is_another = (!known.server_id.empty() || known.started != 0) && (s.server_id != known.server_id || s.started != known.started);
	if (is_another) {
		scope.info("this is another Kismet than before, or it has been started anew: its devices replace the old ones");
		air.clear();
		since = 0;
		want_all("another Kismet");
		make_due(Task::alerts);
	} else if (s.now != 0 && known.now != 0 && s.now < known.now - 5) {
		want_all("Kismet's clock went back");
	}
	fewer = s.devices >= 0 && static_cast<std::uint64_t>(s.devices) < air.table.size() ? fewer + 1 : 0; // once may be an event in between
	if (fewer >= 2) want_all("Kismet has fewer devices");                                               // it forgets those not heard for long
	for (std::size_t i = 0; i < tasks; ++i)
		if (std::exchange(is_missing[i], false)) last[i] = {};
	known = s;
	const bool is_news = state.version != s.version || state.server_id != s.server_id;
	state.version = s.version;
	state.server_id = s.server_id;
	state.server_name = s.server_name;
	if (is_news && phase == Phase::up) on_link();
}

void Session::on_all_devices()
{
	air.table.end_pass();
	all_at = Clock::now();
	if (best_last > 0) since = best_last;
	quiet_polls = 0;
	if (phase == Phase::up) answer_refreshes();
}

void Session::on_some_devices()
{
	advance();
	// Devices that came before the packets' clock went on, and that no event told us of.
	if (known.devices >= 0 && air.table.evicted() == 0 && air.table.size() < static_cast<std::size_t>(known.devices)) want_all("Kismet has more devices");
	if (changed > 0) {
		quiet_polls = 0;
		return;
	}
	if (quiet_polls++ == 0) {
		quiet_since = Clock::now();
		packets_then = air.packets();
	}
	// Packets come and no device changes: we ask from a time that the packets' clock is not at (any more).
	if (quiet_polls >= 3 && Clock::now() - quiet_since > 10s && air.packets() > packets_then) want_all("packets come, but no device changes");
}

/// The packets' clock is at the last time of the devices that Kismet touched last. Where it does not say when, at the latest.
void Session::advance() noexcept
{
	if (best_last == 0) return;
	since = best_mod != 0 ? best_last : std::max(since, best_last);
}

void Session::note_pushed(const Taken &taken) noexcept
{
	for (const DeviceRecord &d : taken.devices)
		if (d.last_time != 0 && d.last_time < since - packet_clock_slack) since = d.last_time;
}

/// All devices anew with the next poll; seldom, since that is the whole table.
void Session::want_all(const char *why) noexcept
{
	const auto pause = 60s + std::chrono::milliseconds(20 * air.table.size());
	const bool is_new = since == 0;
	if (is_all_wanted || (!is_new && all_at != Clock::time_point{} && Clock::now() - all_at < pause)) return;
	scope.debug(std::string("all devices are asked for anew: ") + why);
	is_all_wanted = true;
	make_due(Task::devices);
}

void Session::refresh(pb::Reply reply)
{
	if (refreshes.size() >= 64) return reply.fail(503, "", "64 refreshes wait already");
	refreshes.push_back(std::move(reply));
	is_all_wanted = true;
	if (phase == Phase::resting) {
		begin_attempt();
	} else if (phase == Phase::up) {
		make_due(Task::status);
		make_due(Task::devices);
		make_due(Task::alerts);
		make_due(Task::sources);
		plan();
	}
}

void Session::answer_refreshes()
{
	for (pb::Reply &r : std::exchange(refreshes, {})) r({{"devices", air.table.size()}, {"alerts", air.alerts.size()}});
}

void Session::fail_refreshes(const std::string &why)
{
	for (pb::Reply &r : std::exchange(refreshes, {})) r.fail(503, "KISMET_UNAVAILABLE", why);
}

// ---- the event bus --------------------------------------------------------------------------------------------------------

void Session::connect_bus()
{
	bus.connect(address, options.target.port, options.target.authority(), options.target.prefix + "/eventbus/events.ws" + credentials->query(true),
		credentials->basic());
}

void Session::on_bus_up() noexcept
{
	bus_failures = 0;
	state.is_pushed = true;
	state.polled_because.clear();
	make_due(Task::devices); // what came before we listened
	make_due(Task::alerts);
	on_link();
	plan();
}

void Session::on_event(std::string_view event) noexcept
{
	// Too much waits: what is dropped comes with the next list of all.
	if (!intake.add_event(event)) want_all("events came faster than they could be read");
}

void Session::on_bus_end(const EventBus::End &end) noexcept
{
	const bool is_refused = end.status == 404 || end.status == 401 || end.status == 403;
	state.is_pushed = false;
	state.polled_because = "the event bus: " + end.text + (end.status == 404 ? ": this Kismet has none" : "");
	if (phase != Phase::up) return;
	bus_timer.once(is_refused ? std::chrono::milliseconds(60s) : std::min<std::chrono::milliseconds>(1s * (1U << std::min(bus_failures++, 5U)), 30s));
	make_due(Task::status); // Kismet itself may have gone
	on_link();
	plan();
}

void Session::on_bus_timer() noexcept
{
	if (phase == Phase::up) connect_bus();
}

} // namespace kismet
