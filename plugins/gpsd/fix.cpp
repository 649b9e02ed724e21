#include "fix.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace gpsd {
namespace {

/// gpsd's `status` as a rank: unknown and none, GPS, DGPS, RTK fixed, RTK float, dead reckoning, with GNSS, time alone, simulated, PPS.
int rank_of(std::optional<int> status) noexcept
{
	static constexpr std::array ranks{3, 3, 4, 6, 5, 1, 2, 0, 0, 4};
	const auto s = static_cast<std::size_t>(status.value_or(0));
	return s < ranks.size() ? ranks[s] : 3;
}

/// Metres, as far as known.
double error_of(const Fix &f) noexcept
{
	if (std::isfinite(f.eph)) return f.eph;
	if (std::isfinite(f.epx) && std::isfinite(f.epy)) return std::hypot(f.epx, f.epy);
	return std::numeric_limits<double>::infinity();
}

} // namespace

bool is_better(const Fix &a, const Fix &b) noexcept
{
	if (a.mode != b.mode) return a.mode > b.mode;
	if (a.mode < 2) return false;
	if (const int x = rank_of(a.status), y = rank_of(b.status); x != y) return x > y;
	const double x = error_of(a), y = error_of(b);
	return std::isfinite(x) && x < y * 0.8;
}

Receiver *Receivers::find(const std::string &path)
{
	if (const auto it = receivers.find(path); it != receivers.end()) return &it->second;
	if (receivers.size() >= max_receivers) return nullptr;
	Receiver &r = receivers[path];
	r.device.path = path;
	return &r;
}

void Receivers::set_devices(std::vector<Device> devices)
{
	std::erase_if(receivers, [&](const auto &r) { return std::none_of(devices.begin(), devices.end(), [&](const Device &d) { return d.path == r.first; }); });
	for (Device &d : devices) set_device(std::move(d));
}

void Receivers::set_device(Device device)
{
	if (!device.is_active) {
		receivers.erase(device.path);
		return;
	}
	if (Receiver *r = find(device.path)) r->device = std::move(device);
}

void Receivers::clear()
{
	receivers.clear();
	has_leader = false;
	beaten_since.reset();
}

bool Receivers::take(Fix fix, Time now)
{
	Receiver *r = find(fix.device);
	if (!r) return false;
	if (r->fix && fix.mode < r->fix->mode && !is_stale(*r, now)) {
		// The rest of an epoch that is there already takes nothing away from it.
		if (fix.time_ms && fix.time_ms == r->fix->time_ms) return true;
		if (!r->held) r->held_until = now + hold;
		r->held = std::move(fix);
		r->held_arrived = now;
		return true;
	}
	r->held.reset();
	r->fix = std::move(fix);
	r->arrived = now;
	return true;
}

bool Receivers::take(Sky sky, Time now)
{
	Receiver *r = find(sky.device);
	if (!r) return false;
	if (r->sky) {
		Sky &last = *r->sky;
		if (!sky.has_satellites && now - r->satellites_seen < satellites_kept) {
			sky.satellites = std::move(last.satellites);
			sky.nSat = last.nSat;
			sky.uSat = last.uSat;
		}
		const auto has_dop = [](const Sky &s) { return std::isfinite(s.hdop) || std::isfinite(s.pdop) || std::isfinite(s.gdop); };
		if (!has_dop(sky) && has_dop(last) && now - r->satellites_seen < satellites_kept)
			std::tie(sky.xdop, sky.ydop, sky.vdop, sky.tdop, sky.hdop, sky.gdop, sky.pdop) =
				std::tie(last.xdop, last.ydop, last.vdop, last.tdop, last.hdop, last.gdop, last.pdop);
	}
	if (sky.has_satellites) r->satellites_seen = now;
	r->sky = std::move(sky);
	return true;
}

void Receivers::release_held(Time now)
{
	for (auto &[path, r] : receivers)
		if (r.held && now >= r.held_until) {
			r.fix = std::exchange(r.held, std::nullopt);
			r.arrived = r.held_arrived;
		}
}

const Receiver *Receivers::best(Time now) const
{
	const Receiver *out = nullptr;
	for (const auto &[path, r] : receivers)
		if (!is_stale(r, now) && (!out || is_better(*r.fix, *out->fix))) out = &r;
	return out;
}

bool Receivers::choose(Time now)
{
	release_held(now);
	const Receiver *const present = leader();
	const Receiver *const candidate = best(now);
	if (!candidate || candidate == present) {
		beaten_since.reset();
		return false;
	}
	const bool is_useless = !present || is_stale(*present, now) || (present->fix->mode < 2 && candidate->fix->mode >= 2);
	if (!is_useless) {
		if (!is_better(*candidate->fix, *present->fix)) {
			beaten_since.reset();
			return false;
		}
		if (!beaten_since) beaten_since = now;
		if (now - *beaten_since < rules.switch_after) return false;
	}
	leading = candidate->device.path;
	has_leader = true;
	beaten_since.reset();
	return true;
}

std::optional<Time> Receivers::next(Time now) const
{
	std::optional<Time> out;
	const auto sooner = [&](Time t) { out = out ? std::min(*out, t) : t; };
	for (const auto &[path, r] : receivers)
		if (r.held) sooner(r.held_until);
	if (beaten_since) sooner(*beaten_since + rules.switch_after);
	if (const Receiver *r = leader(); r && !is_stale(*r, now)) sooner(r->arrived + stale_after(*r) + milliseconds(1));
	return out;
}

const Receiver *Receivers::leader() const noexcept
{
	const auto it = has_leader ? receivers.find(leading) : receivers.end();
	return it == receivers.end() ? nullptr : &it->second;
}

milliseconds Receivers::stale_after(const Receiver &r) const noexcept
{
	const double cycle = std::isfinite(r.device.cycle) ? std::min(r.device.cycle, 60.0) : 0;
	return std::max(rules.stale_after, milliseconds(std::llround(cycle * 3000)));
}

bool Receivers::has_device() const noexcept { return !receivers.empty(); }

} // namespace gpsd
