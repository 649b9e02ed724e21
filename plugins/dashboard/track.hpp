// The way driven: a bounded line of points, thinned where it is old and full.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dashboard {

struct Point {
	std::int64_t unix_ms = 0;
	double lat = 0, lon = 0;
	bool begins = false; // not joined with the one before: there was no fix for a while
};

/// A point is kept once the kit has moved by more than the fix is uncertain. Full: every second point of the older half goes. Loop thread.
class Track {
public:
	explicit Track(std::size_t most_) : most(most_) {}
	/// error_m: how far off the position may be. True: it was kept.
	bool add(std::int64_t unix_ms, double lat, double lon, double error_m);
	/// The newest; there is one after add() was true.
	[[nodiscard]] const Point &back() const noexcept { return points.back(); }
	/// Puts older points before those since `since_ms`; what else was before them goes.
	void restore(const std::vector<Point> &older, std::int64_t since_ms);
	void clear() noexcept { points.clear(); }
	/// {"points":[[unix ms, lat, lon, 1 where it begins a line]…]}, oldest first.
	[[nodiscard]] std::string text() const;

private:
	void thin();
	std::size_t most;
	std::vector<Point> points;
	std::int64_t last_fix_ms = 0;
};

} // namespace dashboard
