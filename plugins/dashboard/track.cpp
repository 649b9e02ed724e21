#include "track.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>

namespace dashboard {

namespace {
constexpr double least_step = 5, most_step = 50; // m
constexpr std::int64_t gap_ms = 60'000;

/// Good to a per mille for the short ways between two points.
double metres(const Point &a, double lat, double lon) noexcept
{
	constexpr double per_degree = 111'320;
	const double east = (lon - a.lon) * std::cos((lat + a.lat) / 2 * std::numbers::pi / 180);
	return std::hypot(lat - a.lat, east) * per_degree;
}
} // namespace

bool Track::add(std::int64_t unix_ms, double lat, double lon, double error_m)
{
	const bool begins = points.empty() || unix_ms - last_fix_ms > gap_ms || unix_ms < last_fix_ms;
	last_fix_ms = unix_ms;
	const double step = std::isfinite(error_m) ? std::clamp(error_m / 2, least_step, most_step) : least_step;
	if (!begins && metres(points.back(), lat, lon) < step) return false;
	if (points.size() >= most) thin();
	points.push_back({unix_ms, lat, lon, begins});
	return true;
}

void Track::thin()
{
	const std::size_t half = points.size() / 2;
	std::size_t kept = 0;
	for (std::size_t i = 0; i < points.size(); ++i)
		if (i >= half || i % 2 == 0 || points[i].begins) points[kept++] = points[i];
	if (kept < points.size()) points.erase(points.begin() + static_cast<std::ptrdiff_t>(kept), points.end());
	else points.erase(points.begin(), points.begin() + static_cast<std::ptrdiff_t>(half)); // nothing but beginnings
}

void Track::restore(const std::vector<Point> &older, std::int64_t since_ms)
{
	std::erase_if(points, [since_ms](const Point &p) { return p.unix_ms < since_ms; });
	points.insert(points.begin(), older.begin(), older.end());
	while (points.size() > most) thin();
}

std::string Track::text() const
{
	std::string out = R"({"points":[)";
	for (const Point &p : points) fmt::format_to(std::back_inserter(out), "[{},{:.6f},{:.6f}{}],", p.unix_ms, p.lat, p.lon, p.begins ? ",1" : "");
	if (out.back() == ',') out.pop_back();
	return out + "]}";
}

} // namespace dashboard
