#include "units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include <poll.h>

namespace procs {

namespace {
using namespace std::chrono_literals;
constexpr auto service = "org.freedesktop.systemd1", manager_path = "/org/freedesktop/systemd1", manager = "org.freedesktop.systemd1.Manager";
constexpr auto properties = "org.freedesktop.DBus.Properties";
constexpr int messages_a_turn = 16;
constexpr auto before_reopening = 5s;

std::string explain(const std::string &unit, const sd_bus_error &e)
{
	const std::string_view name = e.name ? e.name : "";
	if (name.ends_with(".InteractiveAuthorizationRequired") || name.ends_with(".AccessDenied"))
		return fmt::format("systemd does not let this user manage {}: allow it by a polkit rule, or run patchbayd as root", unit);
	if (name.ends_with(".NoSuchUnit")) return fmt::format("there is no unit {}", unit);
	if (name.ends_with(".UnitMasked")) return fmt::format("{} is masked (systemctl unmask {})", unit, unit);
	return fmt::format("systemd refuses {}: {}", unit, e.message ? e.message : e.name ? e.name : "no reason given");
}

/// One "v" of an a{sv}, where it is of that type; else it is skipped.
void read_text(sd_bus_message *m, std::string &out)
{
	const char *s = nullptr;
	if (sd_bus_message_read(m, "v", "s", &s) >= 0 && s) out = s;
}

void read_property(sd_bus_message *m, std::string_view name, UnitState &out)
{
	std::uint32_t u = 0;
	std::int32_t i = 0;
	std::uint64_t t = 0;
	if (name == "LoadState") read_text(m, out.load);
	else if (name == "ActiveState") read_text(m, out.active);
	else if (name == "SubState") read_text(m, out.sub);
	else if (name == "Result") read_text(m, out.result);
	else if (name == "ControlGroup") read_text(m, out.cgroup);
	else if (name == "MainPID" && sd_bus_message_read(m, "v", "u", &u) >= 0) out.main = static_cast<pid_t>(u);
	else if (name == "ExecMainCode" && sd_bus_message_read(m, "v", "i", &i) >= 0) out.code = i;
	else if (name == "ExecMainStatus" && sd_bus_message_read(m, "v", "i", &i) >= 0) out.status = i;
	else if (name == "ActiveEnterTimestamp" && sd_bus_message_read(m, "v", "t", &t) >= 0) out.began_ms = static_cast<std::int64_t>(t / 1000);
	else if (name == "InactiveEnterTimestamp" && sd_bus_message_read(m, "v", "t", &t) >= 0) out.ended_ms = static_cast<std::int64_t>(t / 1000);
	else sd_bus_message_skip(m, "v");
}
} // namespace

Units::Units(pb::Scope &scope_) : scope(scope_), time(scope_, pb::bind<&Units::on_time>(this)), reopen(scope_, pb::bind<&Units::on_reopen>(this)) {}

Units::~Units() { close(); }

void Units::watch(const std::string &unit, OnState on_state)
{
	watched[unit] = {this, unit, "", std::move(on_state), false, false, {}, {}};
	reopen.once(0ms);
}

bool Units::open()
{
	if (bus) return true;
	int e = sd_bus_open_system(&bus);
	if (e >= 0) e = sd_bus_match_signal_async(bus, nullptr, service, manager_path, manager, "JobRemoved", &Units::on_removed, nullptr, this);
	if (e >= 0) e = sd_bus_match_signal_async(bus, nullptr, service, nullptr, properties, "PropertiesChanged", &Units::on_changed, nullptr, this);
	if (e >= 0) e = sd_bus_call_method_async(bus, nullptr, service, manager_path, manager, "Subscribe", nullptr, nullptr, "");
	if (e < 0) {
		lose(e == -ENOENT ? "there is no system bus here, so no systemd to ask" : fmt::format("the system bus cannot be used: {}", std::strerror(-e)));
		return false;
	}
	why_not.clear();
	fd = std::make_unique<pb::Fd>(scope, sd_bus_get_fd(bus), pb::bind<&Units::on_bus>(this), 0);
	for (auto &[unit, w] : watched) ask(w);
	rearm();
	return true;
}

void Units::close() noexcept
{
	fd.reset();
	time.stop();
	bus = sd_bus_close_unref(bus); // not flush: it would block
	calls.clear();
}

void Units::lose(const std::string &why)
{
	why_not = why;
	close();
	for (auto &[path, job] : std::exchange(jobs, {})) job.second(why);
	UnitState unknown;
	unknown.active = "unknown";
	unknown.result = why;
	for (auto &[unit, w] : watched) {
		w.is_asking = w.must_ask_again = false;
		std::ranges::move(std::exchange(w.next, {}), std::back_inserter(w.now));
		tell(w, unknown);
	}
	if (!watched.empty()) reopen.once(before_reopening);
}

void Units::on_reopen() noexcept { open(); }

void Units::rearm()
{
	if (!bus) return;
	const int events = sd_bus_get_events(bus);
	std::uint32_t what = 0;
	if ((events & POLLIN) != 0) what |= PB_READ;
	if ((events & POLLOUT) != 0) what |= PB_WRITE;
	fd->watch(what);
	std::uint64_t at = UINT64_MAX; // CLOCK_MONOTONIC, µs
	if (sd_bus_get_timeout(bus, &at) < 0 || at == UINT64_MAX) return time.stop();
	const auto now = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
	const auto left = static_cast<std::int64_t>(std::min<std::uint64_t>(at, INT64_MAX)) - now;
	time.once(std::chrono::milliseconds(std::clamp<std::int64_t>((left + 999) / 1000, 0, 60'000)));
}

void Units::on_bus(int, std::uint32_t) noexcept { turn(); }
void Units::on_time() noexcept { turn(); }

void Units::turn()
{
	for (int i = 0; bus && i < messages_a_turn; ++i) {
		const int e = sd_bus_process(bus, nullptr);
		if (e < 0) {
			scope.warn("the system bus went away", {{"reason", std::strerror(-e)}});
			fd->watch(0);
			time.once(0ms); // not from inside what runs on it
			lose(fmt::format("the system bus went away: {}", std::strerror(-e)));
			return;
		}
		if (e == 0) break;
	}
	rearm();
}

// ---- states -----------------------------------------------------------------------------------------------------------

void Units::tell(Watched &w, const UnitState &state)
{
	w.on_state(state);
	for (auto &then : std::exchange(w.now, {})) then();
}

/// An answer has come; where another was wanted meanwhile, that one is asked for.
void Units::finish(Watched &w, const UnitState &state)
{
	tell(w, state);
	w.now = std::exchange(w.next, {});
	if (std::exchange(w.must_ask_again, false)) w.units->ask(w);
}

void Units::renew(const std::string &unit, std::function<void()> then)
{
	const auto i = watched.find(unit);
	if (!bus || i == watched.end()) return then();
	Watched &w = i->second;
	(w.is_asking ? w.next : w.now).push_back(std::move(then));
	ask(w);
	rearm();
}

/// LoadUnit gives a path for any name, loaded or not.
void Units::ask(Watched &w)
{
	if (!bus) return;
	if (std::exchange(w.is_asking, true)) {
		w.must_ask_again = true;
		return;
	}
	const int e = w.path.empty() ? sd_bus_call_method_async(bus, nullptr, service, manager_path, manager, "LoadUnit", &Units::on_path, &w, "s", w.unit.c_str())
								 : sd_bus_call_method_async(bus, nullptr, service, w.path.c_str(), properties, "GetAll", &Units::on_properties, &w, "s", "");
	if (e >= 0) return;
	w.is_asking = false;
	for (auto &then : std::exchange(w.now, {})) then();
}

int Units::on_path(sd_bus_message *m, void *self, sd_bus_error *) noexcept
{
	auto &w = *static_cast<Watched *>(self);
	const char *path = nullptr;
	w.is_asking = false;
	if (sd_bus_message_get_error(m) || sd_bus_message_read(m, "o", &path) < 0) {
		UnitState s;
		s.active = "unknown";
		s.result = sd_bus_message_get_error(m) ? explain(w.unit, *sd_bus_message_get_error(m)) : "systemd gave an answer that makes no sense";
		finish(w, s);
		return 0;
	}
	w.path = path;
	w.units->ask(w);
	return 0;
}

int Units::on_properties(sd_bus_message *m, void *self, sd_bus_error *) noexcept
{
	auto &w = *static_cast<Watched *>(self);
	UnitState s;
	w.is_asking = false;
	if (const sd_bus_error *e = sd_bus_message_get_error(m)) {
		w.path.clear();
		s.active = "inactive";
		s.result = explain(w.unit, *e);
	} else if (sd_bus_message_enter_container(m, 'a', "{sv}") >= 0) {
		while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
			const char *name = nullptr;
			if (sd_bus_message_read(m, "s", &name) < 0) break;
			read_property(m, name, s);
			sd_bus_message_exit_container(m);
		}
	}
	finish(w, s);
	return 0;
}

int Units::on_changed(sd_bus_message *m, void *self, sd_bus_error *) noexcept
{
	auto &units = *static_cast<Units *>(self);
	const char *path = sd_bus_message_get_path(m);
	for (auto &[unit, w] : units.watched)
		if (path && w.path == path) units.ask(w);
	return 0;
}

// ---- jobs -------------------------------------------------------------------------------------------------------------

void Units::call(const char *method, sd_bus_message_handler_t on_reply, const std::string &unit, OnDone done, const std::function<int(sd_bus_message *)> &fill)
{
	if (!open()) return done(why_not);
	sd_bus_message *m = nullptr;
	int e = sd_bus_message_new_method_call(bus, &m, service, manager_path, manager, method);
	if (e >= 0) e = fill(m);
	if (e >= 0) {
		calls.push_back({this, unit, done});
		e = sd_bus_call_async(bus, nullptr, m, on_reply, &calls.back(), 0);
		if (e < 0) calls.pop_back();
	}
	sd_bus_message_unref(m);
	if (e < 0) return done(fmt::format("the system bus cannot be used: {}", std::strerror(-e)));
	rearm();
}

void Units::run_job(const char *method, const std::string &unit, OnDone done)
{
	call(method, &Units::on_job, unit, std::move(done), [&](sd_bus_message *m) { return sd_bus_message_append(m, "ss", unit.c_str(), "replace"); });
}

void Units::kill(const std::string &unit, const char *who, int number, OnDone done)
{
	call("KillUnit", &Units::on_killed, unit, std::move(done), [&](sd_bus_message *m) { return sd_bus_message_append(m, "ssi", unit.c_str(), who, number); });
}

int Units::on_job(sd_bus_message *m, void *self, sd_bus_error *) noexcept
{
	auto *call = static_cast<Call *>(self);
	Units &units = *call->units;
	const Call c = *call;
	units.calls.remove_if([&](const Call &x) { return &x == call; });
	const char *path = nullptr;
	if (const sd_bus_error *e = sd_bus_message_get_error(m)) c.done(explain(c.unit, *e));
	else if (sd_bus_message_read(m, "o", &path) < 0) c.done("systemd gave an answer that makes no sense");
	else units.jobs[path] = {c.unit, c.done}; // JobRemoved comes after the reply, since it is read in order
	return 0;
}

int Units::on_killed(sd_bus_message *m, void *self, sd_bus_error *) noexcept
{
	auto *call = static_cast<Call *>(self);
	Units &units = *call->units;
	const Call c = *call;
	units.calls.remove_if([&](const Call &x) { return &x == call; });
	const sd_bus_error *e = sd_bus_message_get_error(m);
	c.done(e ? explain(c.unit, *e) : "");
	return 0;
}

int Units::on_removed(sd_bus_message *m, void *self, sd_bus_error *) noexcept
{
	auto &units = *static_cast<Units *>(self);
	std::uint32_t id = 0;
	const char *path = nullptr, *unit = nullptr, *result = nullptr;
	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) < 0) return 0;
	const auto job = units.jobs.extract(path);
	if (!job) return 0;
	const bool is_done = std::string_view(result) == "done";
	job.mapped().second(is_done ? "" : fmt::format("systemd's job for {} ended with \"{}\" (systemctl status {}; journalctl -u {})", unit, result, unit, unit));
	return 0;
}

} // namespace procs
