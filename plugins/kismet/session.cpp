#include "kismet/session.hpp"

#include "kismet/find_process.hpp"

#include <event2/buffer.h>
#include <netdb.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace kismet {
namespace {

using namespace std::chrono_literals;

constexpr auto first_pause = 1s, longest_pause = 30s, longest_pause_starting = 5s;
constexpr auto fresh_for = 30s;     // after a look at a list
constexpr std::int64_t overlap = 5; // s: packets of several sources come that late, and a second may not be over

std::chrono::milliseconds pause_after(unsigned failures, std::chrono::milliseconds longest) noexcept
{
	return std::min<std::chrono::milliseconds>(first_pause * (1U << std::min(failures, 5U)), longest);
}

} // namespace

Session::Session(pb::Scope &scope_, Air &air_, Options options_, pb::Bound<> on_link_)
	: scope(scope_), air(air_), options(std::move(options_)), on_link(on_link_),
	  http(scope_, pb::bind<&Session::on_bytes>(this), pb::bind<&Session::on_answer>(this)),
	  intake(scope_, pb::bind<&Session::on_taken>(this), pb::bind<&Session::on_body_end>(this)),
	  bus(scope_, pb::bind<&Session::on_bus_up>(this), pb::bind<&Session::on_event>(this), pb::bind<&Session::on_bus_end>(this)),
	  attempt_timer(scope_, pb::bind<&Session::on_attempt>(this)), turn_timer(scope_, pb::bind<&Session::on_turn>(this)),
	  bus_timer(scope_, pb::bind<&Session::on_bus_timer>(this))
{
	state.url = options.url;
	state.polled_because = options.wants_events ? "not connected yet" : "turned off in [plugins.kismet]";
	http.set_timeout(options.timeout);
}

Session::~Session()
{
	fail_refreshes("the plugin stops");
	wipe(options.password);
	wipe(options.api_token);
}

// ---- attempts -----------------------------------------------------------------------------------------------------------

void Session::on_attempt() noexcept { begin_attempt(); }

void Session::begin_attempt() noexcept
{
	attempt_timer.stop();
	phase = Phase::resolving;
	auto needs = std::make_shared<Options>(options);
	const bool is_accepted = scope.work(
		[needs] {
			Resolved r = resolve(*needs);
			wipe(needs->password);
			wipe(needs->api_token);
			return r;
		},
		[this](Resolved r) noexcept { on_resolved(std::move(r)); });
	if (is_accepted) return;
	phase = Phase::resting; // the workers are busy
	attempt_timer.once(1s);
}

Session::Resolved Session::resolve(const Options &o)
{
	Resolved r;
	addrinfo want{};
	want.ai_socktype = SOCK_STREAM;
	addrinfo *found = nullptr;
	if (const int e = ::getaddrinfo(o.target.host.c_str(), nullptr, &want, &found); e != 0) {
		r.trouble = "the name " + o.target.host + " has no address: " + ::gai_strerror(e);
		return r;
	}
	std::array<char, NI_MAXHOST> text{};
	if (::getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0) r.address = text.data();
	::freeaddrinfo(found);
	r.is_own = is_own_address(r.address);
	if (o.password_file.empty()) {
		r.credentials.emplace(o.username, o.password, o.api_token);
	} else {
		r.credentials = Credentials::from_file(o.password_file, o.username, r.trouble);
		r.is_unauthorized = !r.credentials;
	}
	return r;
}

void Session::on_resolved(Resolved r)
{
	if (phase != Phase::resolving) return;
	is_own = r.is_own;
	if (r.is_unauthorized) return fail({State::unauthorized, r.trouble, "the daemon's user must be able to read it"});
	if (r.address.empty()) return fail({State::down, r.trouble, "is url in [plugins.kismet] right, and the network up?"});
	credentials = std::move(r.credentials);
	if (!http.has_target() || r.address != address) {
		address = r.address;
		http.connect_to(address, options.target.port, options.target.authority());
	}
	http.set_authorization(credentials->basic());
	phase = Phase::opening;
	is_missing = {};
	ask(Task::status);
}

void Session::fail(const Verdict &why)
{
	intake.abandon();
	http.close();
	bus.close();
	bus_timer.stop();
	turn_timer.stop();
	phase = Phase::resting;
	is_asking_all = false;
	is_all_wanted = true;
	state.is_pushed = false;
	if (options.wants_events) state.polled_because = "not connected";
	fail_refreshes(why.reason);
	if (why.state == State::down) return diagnose(why);
	const auto pause = pause_after(failures++, longest_pause);
	attempt_timer.once(pause);
	state.next_attempt_ms = pb::unix_ms() + pause.count();
	set_link(why.state, why.reason, why.hint);
}

/// There was no connection: why? On this machine: is there a Kismet that has not come so far yet? `procs` knows of those that
/// it started, /proc of all.
void Session::diagnose(const Verdict &why)
{
	if (address.empty()) return set_down(why, {});
	if (!is_own) return diagnose_here(why, false);
	scope.call(
		"procs.status", {{"name", options.process}},
		[this, why](const pb::Result &r) {
			const std::string_view is = r.ok() ? pb::text_at(r.json(), "state") : std::string_view();
			if (phase == Phase::resting) diagnose_here(why, is == "starting" || is == "running" || is == "ready");
		},
		2s);
}

void Session::diagnose_here(const Verdict &why, bool has_process)
{
	const bool is_accepted = scope.work(
		[to = address, port = options.target.port, name = is_own && !has_process ? options.process : std::string(), has_process] {
			return Diagnosis{try_to_connect(to, port), has_process || (!name.empty() && kismet::has_process(name))};
		},
		[this, why](Diagnosis d) noexcept {
			if (phase == Phase::resting) set_down(why, d);
		});
	if (!is_accepted) set_down(why, {0, has_process});
}

void Session::set_down(const Verdict &why, const Diagnosis &d)
{
	const bool is_refused = d.error == ECONNREFUSED;
	const bool is_starting = d.has_process && is_refused;
	const auto pause = pause_after(failures++, is_starting ? longest_pause_starting : longest_pause);
	attempt_timer.once(pause);
	state.next_attempt_ms = pb::unix_ms() + pause.count();
	const std::string reason = d.error == 0 ? why.reason : why.reason + (is_refused ? ": connection refused" : std::string(": ") + std::strerror(d.error));
	if (is_starting)
		set_link(State::starting, reason + ", but a process " + options.process + " is there", "wait: Kismet opens its port some seconds after its start");
	else if (is_refused)
		set_link(State::down, reason + (is_own ? ", and there is no process " + options.process : std::string()),
			"start Kismet; if it runs, see url in [plugins.kismet]");
	else set_link(State::down, reason, why.hint);
}

void Session::set_link(State to, std::string reason, std::string hint)
{
	if (state.state != to) {
		state.since_ms = pb::unix_ms();
		if (to == State::up) scope.info("Kismet is up", {{"url", options.url}, {"version", state.version}});
		else scope.warn(reason, {{"state", state_name(to)}, {"hint", hint}});
	}
	if (to != State::up) {
		state.version.clear();
		state.server_id.clear();
		state.server_name.clear();
	}
	state.state = to;
	state.reason = std::move(reason);
	state.hint = std::move(hint);
	on_link();
}

// ---- asking -------------------------------------------------------------------------------------------------------------

bool Session::is_watched() const noexcept { return watchers > 0 || (looked_at != Clock::time_point{} && Clock::now() - looked_at < fresh_for); }

void Session::look() noexcept
{
	looked_at = Clock::now();
	plan();
}

void Session::watch(bool begins) noexcept
{
	watchers += begins ? 1 : -1;
	plan();
}

Session::ms Session::interval_of(Task task) const noexcept
{
	const ms pace = is_watched() ? options.poll_interval : std::max(options.idle_interval, options.poll_interval);
	if (is_missing[index(task)]) return ms(-1);
	switch (task) {
	case Task::devices: return pace;
	case Task::sources: return std::max<ms>(pace, is_watched() ? 5s : 30s);
	case Task::status: return options.health_interval;
	case Task::alerts:
	case Task::messages: return state.is_pushed ? ms(-1) : pace;
	case Task::count: break;
	}
	return ms(-1);
}

void Session::plan() noexcept
{
	if (phase != Phase::up || http.is_busy() || intake.is_in_body()) return;
	ms soonest = ms::max();
	const auto now = Clock::now();
	for (std::size_t i = 0; i < tasks; ++i) {
		const ms interval = interval_of(static_cast<Task>(i));
		if (interval < 0ms && last[i] != Clock::time_point{}) continue;
		const ms left = last[i] == Clock::time_point{} ? 0ms : std::max<ms>(0ms, std::chrono::ceil<ms>(last[i] + interval - now));
		if (!is_missing[i]) soonest = std::min(soonest, left);
	}
	turn_timer.once(soonest);
}

void Session::on_turn() noexcept
{
	if (phase != Phase::up || http.is_busy() || intake.is_in_body()) return;
	const auto now = Clock::now();
	for (const Task t : {Task::status, Task::devices, Task::alerts, Task::sources, Task::messages}) {
		const auto at = last[index(t)];
		const ms interval = interval_of(t);
		const bool is_due = at == Clock::time_point{} || (interval >= 0ms && now - at >= interval);
		if (is_due && !is_missing[index(t)]) return ask(t);
	}
	plan();
}

std::string Session::path_of(Task task) const
{
	std::string path = options.target.prefix;
	switch (task) {
	case Task::status: path += "/system/status.json"; break;
	case Task::devices: path += fmt::format("/devices/last-time/{}/devices.json", is_asking_all ? 0 : std::max<std::int64_t>(0, since - overlap)); break;
	case Task::alerts:
		path += air.alerts.size() == 0 ? "/alerts/all_alerts.json" : fmt::format("/alerts/last-time/{:.6f}/alerts.json", air.alerts.newest_time() - 0.001);
		break;
	case Task::sources: path += "/datasource/all_sources.json"; break;
	case Task::messages:
		path += air.newest_message() == 0 ? "/messagebus/all_messages.json" : fmt::format("/messagebus/last-time/{:.0f}/messages.json", air.newest_message());
		break;
	case Task::count: break;
	}
	return path;
}

std::string Session::where(Task task) const
{
	return std::string(task == Task::devices ? "POST " : "GET ") + "http://" + options.target.authority() + path_of(task);
}

void Session::ask(Task task)
{
	asked = task;
	if (task == Task::devices) {
		is_asking_all = std::exchange(is_all_wanted, false);
		if (is_asking_all) air.table.begin_pass();
		best_mod = best_last = 0;
		changed = 0;
	}
	small.clear();
	sources.clear();
	if (task != Task::status)
		intake.begin(task == Task::devices ? What::devices : task == Task::alerts ? What::alerts : task == Task::sources ? What::sources : What::messages);
	http.send({task == Task::devices ? "POST" : "GET", path_of(task) + credentials->query(false), task == Task::devices ? poll_body() : ""});
}

void Session::on_bytes(evbuffer *bytes) noexcept
{
	if (asked != Task::status) return intake.add(bytes);
	constexpr std::size_t most = 1 << 20;
	const std::size_t at = small.size(), size = std::min(evbuffer_get_length(bytes), most - at);
	small.resize(at + size);
	evbuffer_remove(bytes, small.data() + at, size);
}

void Session::on_answer(const Answer &answer) noexcept
{
	if (answer.end == Answer::End::whole && answer.status == 200) {
		if (asked != Task::status) return intake.end();
		std::string why;
		const pb::Json json = pb::Json::parse(small, &why);
		const std::optional<Status> status = json ? read_status(json.get()) : std::nullopt;
		if (!status)
			return fail(judge_body(json ? "its status has neither a version nor a count of devices" : "its status is no JSON", where(asked), answer.type));
		on_status(*status);
		return finish(Task::status);
	}
	intake.abandon();
	const bool is_refused = answer.status == 401 || answer.status == 403;
	if (answer.end == Answer::End::whole && !is_refused && can_do_without(asked))
		return do_without(where(asked) + ": answered " + std::to_string(answer.status));
	fail(judge(answer, where(asked), options.timeout));
}

/// Without status and devices there is no Kismet; the rest may be missing, and is tried again with the next status.
void Session::do_without(const std::string &why)
{
	scope.debug(why + "; done without it for now");
	is_missing[index(asked)] = true;
	finish(asked);
}

void Session::on_taken(Taken &taken) noexcept
{
	if (taken.is_pushed) {
		note_pushed(taken);
	} else {
		for (const DeviceRecord &d : taken.devices) {
			if (d.mod_time < best_mod) continue;
			best_last = d.mod_time > best_mod ? d.last_time : std::max(best_last, d.last_time);
			best_mod = d.mod_time;
		}
	}
	for (Source &s : taken.sources)
		if (sources.size() < 256) sources.push_back(std::move(s));
	const std::size_t n = air.put(taken);
	if (!taken.is_pushed) changed += n;
}

void Session::on_body_end(const BodyEnd &end) noexcept
{
	if (!end.trouble.empty()) {
		const Verdict v = judge_body(end.trouble, where(asked), {});
		return can_do_without(asked) ? do_without(v.reason) : fail(v);
	}
	switch (asked) {
	case Task::devices:
		if (is_asking_all) on_all_devices();
		else on_some_devices();
		break;
	case Task::sources: air.put_sources(std::move(sources)); break;
	default: break;
	}
	finish(asked);
}

void Session::finish(Task task)
{
	last[index(task)] = Clock::now();
	if (phase == Phase::opening) {
		if (task == Task::status) return ask(Task::devices);
		become_up();
	}
	if (http.connections() != connections) { // it closed the old one: is it still the same Kismet?
		if (connections != 0 && task != Task::status) make_due(Task::status);
		connections = http.connections();
	}
	plan();
}

} // namespace kismet
