// dashboard: the page at /, and what it needs to be remembered: the last hour as samples, and the way driven.
#include "history.hpp"
#include "machine.hpp"
#include "memory.hpp"
#include "track.hpp"

#include <patchbay/patchbay.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <deque>
#include <limits>
#include <optional>

using namespace std::chrono_literals;

namespace dashboard {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t remembered_ms = 3'600'000;

struct Settings {
	std::string folder, tiles;
	std::chrono::milliseconds interval;
	std::int64_t track_points;
	static constexpr auto fields = pb::fields(
		pb::field("folder", &Settings::folder, {.fallback = "\"" DASHBOARD_FOLDER "\"", .min = 1, .help = "where the built page lies"}),
		pb::field("tiles", &Settings::tiles, {.fallback = "\"\"", .help = "a folder with map tiles of your own: Z/X/Y.png; empty: none"}),
		pb::field("interval", &Settings::interval, {.fallback = "10s", .min = 2s, .max = 1min, .help = "between two samples of the last hour"}),
		pb::field("track_points", &Settings::track_points, {.fallback = "5000", .min = 100, .max = 100000, .help = "points of the way driven that are kept"}));
};

/// On every file: nothing but our own files runs, nobody frames the page, no text becomes markup.
constexpr auto page_headers = std::to_array<pb_header>({
	{"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; manifest-src 'self'; "
								"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"},
	{"X-Frame-Options", "DENY"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"},
});

std::string host_name()
{
	std::array<char, 256> name{};
	return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string absolute(const std::string &folder, const char *setting)
{
	if (!folder.starts_with('/')) throw pb::Error(422, "", fmt::format("{} = \"{}\": give an absolute folder", setting, folder));
	return folder;
}

class Dashboard final {
public:
	using Settings = dashboard::Settings;

	Dashboard(pb::Scope &scope_, const Settings &s)
		: scope(scope_), interval(s.interval), disk_folder(scope_.host->state_dir), history(samples(s.interval)),
		  track(static_cast<std::size_t>(s.track_points)), kept(scope_, history, track),
		  page(scope_, "/", absolute(s.folder, "folder"), {.cache_control = "no-cache", .headers = page_headers, .role = PB_PUBLIC}),
		  assets(
			  scope_, "/assets/", s.folder + "/assets", {.cache_control = "public, max-age=31536000, immutable", .headers = page_headers, .role = PB_PUBLIC}),
		  host(scope_, "dashboard/host", "the machine's name, the daemon's version, whether there are tiles"),
		  sample(scope_, "dashboard/sample", "the newest sample: what /history has, and totals of memory and disk"),
		  get_history(scope_, "dashboard.history", pb::bind<&Dashboard::on_history>(this), {.help = "the last hour, a column a figure", .role = PB_VIEWER}),
		  get_track(scope_, "dashboard.track", pb::bind<&Dashboard::on_track>(this), {.help = "the way driven, thinned", .role = PB_VIEWER}),
		  clear_track(scope_, "dashboard.clear_track", pb::bind<&Dashboard::on_clear>(this), {.help = "forgets the way driven"}),
		  history_route(scope_, "GET dashboard/history", "method:dashboard.history", {.help = "the last hour, a column a figure"}),
		  track_route(scope_, "GET dashboard/track", "method:dashboard.track", {.help = "the way driven: [unix ms, lat, lon, 1 where a line begins]"}),
		  gps_link(scope_, "gps/link", pb::bind<&Dashboard::on_gps_link>(this), PB_UNWATCHED),
		  fix(scope_, "gps/fix", pb::bind<&Dashboard::on_fix>(this), PB_UNWATCHED), sky(scope_, "gps/sky", pb::bind<&Dashboard::on_sky>(this), PB_UNWATCHED),
		  kismet_link(scope_, "kismet/link", pb::bind<&Dashboard::on_kismet_link>(this), PB_UNWATCHED),
		  air(scope_, "kismet/summary", pb::bind<&Dashboard::on_air>(this), PB_UNWATCHED), timer(scope_, pb::bind<&Dashboard::on_timer>(this))
	{
		if (!s.tiles.empty())
			tiles.emplace(scope_, "/tiles/", absolute(s.tiles, "tiles"), pb::FilesOptions{.cache_control = "max-age=86400", .headers = page_headers});
		if (access((s.folder + "/index.html").c_str(), R_OK) != 0)
			scope.warn(fmt::format("there is no page in {}; build with npm (-Ddashboard=enabled), or name its folder", s.folder));
		host.publish({{"name", host_name()}, {"version", scope.host->version}, {"tiles", !s.tiles.empty()}, {"processors", sysconf(_SC_NPROCESSORS_ONLN)}});
		kept.restore();
		timer.every(interval, pb::from_now);
	}

	void drain(bool, pb::Bound<> done) noexcept
	{
		pb::detail::guarded([&] { kept.finish(done); },
			[&](const pb_error &e) {
				scope.warn(e.text);
				done();
			});
	}

private:
	static std::size_t samples(std::chrono::milliseconds interval) { return static_cast<std::size_t>(remembered_ms / interval.count()) + 1; }

	// Topics drop what has not changed, so how old a value is says nothing: it holds as long as its link does.
	void on_gps_link(const pb_value &v) noexcept { has_gps = v.json && pb::text_at(v.json, "state") == "up" && !pb::bool_at(v.json, "stale"); }
	void on_kismet_link(const pb_value &v) noexcept { has_air = v.json && pb::text_at(v.json, "state") == "up"; }
	void on_fix(const pb_value &v) noexcept
	{
		const bool has_fix = v.json && pb::integer_at(v.json, "mode") >= 2;
		error_m = has_fix ? number(v, "eph") : unknown;
		const double lat = number(v, "lat"), lon = number(v, "lon");
		if (!has_fix || !std::isfinite(lat) || !std::isfinite(lon)) return;
		pb::detail::guarded(
			[&] {
				if (track.add(v.time_ms, lat, lon, error_m)) kept.keep(track.back());
			},
			[this](const pb_error &e) { scope.warn(e.text); });
	}
	void on_sky(const pb_value &v) noexcept
	{
		used = number(v, "uSat");
		seen = number(v, "nSat");
	}
	void on_air(const pb_value &v) noexcept
	{
		count = number(v, "devices");
		packets = number(v, "packets_per_second");
		evicted = number(v, "evicted");
	}
	static double number(const pb_value &v, const char *key) noexcept { return v.json ? pb::number_at(v.json, key).value_or(unknown) : unknown; }

	void on_timer() noexcept
	{
		if (is_reading) return;
		is_reading = scope.work([folder = disk_folder] { return read_machine(folder); },
			[this](const Machine &m) {
				is_reading = false;
				pb::detail::guarded([&] { take(m); }, [this](const pb_error &e) { scope.warn(e.text); });
			});
	}

	void take(const Machine &m)
	{
		const std::int64_t now = pb::unix_ms();
		Sample s;
		s.unix_ms = now;
		auto &v = s.values;
		v.fill(unknown);
		if (has_gps) {
			v[satellites_used] = used;
			v[satellites_seen] = seen;
			v[fix_error] = error_m;
		}
		if (has_air) {
			v[packets_per_second] = packets;
			v[devices] = count;
		}
		const double total = v[devices] + (std::isfinite(evicted) ? evicted : 0); // all that were ever new
		v[devices_per_minute] = rate(m.read_at_ns, total);
		const double minutes = static_cast<double>(m.read_at_ns - last.read_at_ns) / 60e9;
		if (last.read_at_ns > 0 && minutes > 0) {
			if (m.total > last.total) v[cpu] = 100 * (m.busy - last.busy) / (m.total - last.total);
			if (m.process_seconds >= 0) v[daemon_cpu] = 100 * (m.process_seconds - last.process_seconds) / (minutes * 60);
		}
		if (m.memory_total > 0) v[memory] = 100 * (1 - static_cast<double>(m.memory_available) / static_cast<double>(m.memory_total));
		if (m.resident >= 0) v[daemon_bytes] = static_cast<double>(m.resident);
		v[loop_lag] = static_cast<double>(steady_ns() - m.read_at_ns) / 1e6;
		if (m.disk_total > 0) v[disk] = 100 * (1 - static_cast<double>(m.disk_free) / static_cast<double>(m.disk_total));
		if (m.load >= 0) v[load] = m.load;
		if (m.temperature > -200) v[temperature] = m.temperature;
		last = m;
		history.add(s);
		tell(s);
		kept.save();
		if (++taken == 2) kept.restore(); // whom this instance has replaced has written its last by now
	}
	/// New ones a minute over the last minute: Kismet's table is looked at but every 30 s where nobody looks.
	double rate(std::int64_t at_ns, double total)
	{
		if (!(total >= (totals.empty() ? 0 : totals.back().second))) totals.clear(); // unknown, or another Kismet
		if (!std::isfinite(total)) return unknown;
		while (totals.size() > 1 && at_ns - totals.front().first > 60'000'000'000) totals.pop_front();
		totals.emplace_back(at_ns, total);
		const double minutes = static_cast<double>(at_ns - totals.front().first) / 60e9;
		return minutes > 0 ? (total - totals.front().second) / minutes : unknown;
	}
	void tell(const Sample &s)
	{
		std::string out = fmt::format(R"({{"time":{},"interval_ms":{},"memory_total":{},"memory_available":{},"disk_total":{},"disk_free":{},"uptime":{:.0f})",
			s.unix_ms, interval.count(), last.memory_total, last.memory_available, last.disk_total, last.disk_free, last.uptime);
		for (std::size_t i = 0; i < columns.size(); ++i) {
			out += fmt::format(R"(,"{}":)", columns[i].name);
			append_number(out, s.values[i], columns[i].digits);
		}
		sample.publish_text(out + "}");
	}

	void on_history(const pb::None &, pb::Reply &&reply) { reply.text(history.text(interval.count())); }
	void on_track(const pb::None &, pb::Reply &&reply) { reply.text(track.text()); }
	void on_clear(const pb::None &, pb::Reply &&reply)
	{
		track.clear();
		kept.forget();
		reply({{"cleared", true}});
	}

	pb::Scope &scope;
	std::chrono::milliseconds interval;
	std::string disk_folder;
	History history;
	Track track;
	Memory kept;
	double used = unknown, seen = unknown, error_m = unknown, count = unknown, packets = unknown, evicted = unknown;
	bool has_gps = false, has_air = false;
	Machine last;
	std::deque<std::pair<std::int64_t, double>> totals; // of the last minute
	unsigned taken = 0;
	bool is_reading = false;
	pb::Files page, assets;
	std::optional<pb::Files> tiles;
	pb::Topic host, sample;
	pb::Method<pb::None> get_history, get_track, clear_track;
	pb::Route history_route, track_route;
	pb::Subscription gps_link, fix, sky, kismet_link, air;
	pb::Timer timer;
};

} // namespace
} // namespace dashboard

PATCHBAY_PLUGIN(dashboard::Dashboard, "dashboard", "1.0.0", "")
