#include "ensure.hpp"

#include <fmt/format.h>

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string_view>

namespace gpsd {
namespace {

using namespace std::chrono_literals;

constexpr auto service = "org.freedesktop.systemd1";
constexpr auto path = "/org/freedesktop/systemd1";
constexpr auto manager = "org.freedesktop.systemd1.Manager";
constexpr int messages_a_turn = 16;

std::string explain(const std::string &unit, const sd_bus_error &e)
{
	const std::string_view name = e.name ? e.name : "";
	const auto is = [&](std::string_view end) { return name.ends_with(end); };
	if (is(".InteractiveAuthorizationRequired") || is(".AccessDenied"))
		return fmt::format("systemd does not let this user start {}: allow it by a polkit rule, or run patchbayd as root", unit);
	if (is(".UnitMasked")) return fmt::format("{} is masked (systemctl unmask {})", unit, unit);
	if (is(".NoSuchUnit")) return fmt::format("there is no {}; is gpsd installed?", unit);
	return fmt::format("systemd refuses to start {}: {}", unit, e.message ? e.message : e.name ? e.name : "no reason given");
}

} // namespace

Ensure::Ensure(pb::Scope &scope_, pb::Bound<Outcome> on_done_)
	: scope(scope_), on_done(on_done_), timer(scope, pb::bind<&Ensure::on_timer>(this)), deadline(scope, pb::bind<&Ensure::on_deadline>(this))
{}

void Ensure::start(std::string unit_)
{
	if (is_asking) return;
	is_asking = true;
	unit = std::move(unit_);
	job.clear();
	deadline.once(30s);
	if (const int e = ask(); e < 0) {
		finish(Outcome::failed,
			e == -ENOENT ? "there is no system bus here to ask systemd on" : fmt::format("the system bus cannot be used: {}", std::strerror(-e)));
		timer.once(0ms);
	}
}

int Ensure::ask()
{
	if (const int e = sd_bus_open_system(&bus); e < 0) return e;
	if (const int e = sd_bus_match_signal_async(bus, nullptr, service, path, manager, "JobRemoved", &Ensure::on_removed, nullptr, this); e < 0) return e;
	if (const int e = sd_bus_call_method_async(bus, nullptr, service, path, manager, "Subscribe", nullptr, nullptr, ""); e < 0) return e;
	if (const int e = sd_bus_call_method_async(bus, nullptr, service, path, manager, "StartUnit", &Ensure::on_job, this, "ss", unit.c_str(), "replace"); e < 0)
		return e;
	watch = std::make_unique<pb::Fd>(scope, sd_bus_get_fd(bus), pb::bind<&Ensure::on_fd>(this), 0);
	arm();
	return 0;
}

/// After every call and every turn: what the bus waits for changes.
void Ensure::arm()
{
	const int events = sd_bus_get_events(bus);
	std::uint32_t what = events & POLLIN ? PB_READ : 0;
	if (events & POLLOUT) what |= PB_WRITE;
	watch->watch(what);
	std::uint64_t at = UINT64_MAX; // CLOCK_MONOTONIC, µs
	if (sd_bus_get_timeout(bus, &at) < 0 || at == UINT64_MAX) return timer.stop();
	const auto now = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
	const auto left = static_cast<std::int64_t>(std::min<std::uint64_t>(at, INT64_MAX)) - now;
	timer.once(std::chrono::milliseconds(std::clamp<std::int64_t>((left + 999) / 1000, 0, 60'000)));
}

void Ensure::turn()
{
	for (int i = 0; bus && !outcome && i < messages_a_turn; ++i) {
		const int e = sd_bus_process(bus, nullptr);
		if (e < 0) finish(Outcome::failed, fmt::format("the system bus went away: {}", std::strerror(-e)));
		if (e <= 0) break;
	}
	if (outcome) end(*outcome, said);
	else if (bus) arm();
}

int Ensure::on_job(sd_bus_message *m, void *self, sd_bus_error *) noexcept
{
	auto *e = static_cast<Ensure *>(self);
	if (const sd_bus_error *error = sd_bus_message_get_error(m)) {
		e->finish(Outcome::failed, explain(e->unit, *error));
		return 0;
	}
	const char *made = nullptr;
	if (sd_bus_message_read(m, "o", &made) >= 0) e->job = made;
	else e->finish(Outcome::failed, "systemd gave an answer that makes no sense");
	return 0;
}

int Ensure::on_removed(sd_bus_message *m, void *self, sd_bus_error *) noexcept
{
	auto *e = static_cast<Ensure *>(self);
	std::uint32_t id = 0;
	const char *gone = nullptr, *of = nullptr, *result = nullptr;
	if (sd_bus_message_read(m, "uoss", &id, &gone, &of, &result) < 0 || e->job.empty() || e->job != gone) return 0;
	if (std::string_view(result) == "done") e->finish(Outcome::started, fmt::format("systemd has started {}", e->unit));
	else e->finish(Outcome::failed, fmt::format("systemd could not start {}: {} (systemctl status {})", e->unit, result, e->unit));
	return 0;
}

void Ensure::finish(Outcome outcome_, std::string words) noexcept
{
	outcome = outcome_;
	said = std::move(words);
}

void Ensure::end(Outcome outcome_, std::string words)
{
	said = std::move(words);
	close();
	on_done(outcome_);
}

void Ensure::close() noexcept
{
	watch.reset();
	bus = sd_bus_close_unref(bus); // not flush: it would block
	outcome.reset();
	is_asking = false;
	timer.stop();
	deadline.stop();
}

} // namespace gpsd
