// The two clocks of locks: one that leases run by (it goes on in suspend and never steps), and the calendar's, for people.
#pragma once
#include "table.hpp"

#include <fmt/format.h>

#include <string>

#include <time.h>

namespace locks {

inline Ms read_clock(clockid_t id) noexcept
{
	timespec t{};
	::clock_gettime(id, &t);
	return Ms{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000;
}
inline Ms lease_clock() noexcept { return read_clock(CLOCK_BOOTTIME); }
inline Ms wall_clock() noexcept { return read_clock(CLOCK_REALTIME); }

/// A point on the lease clock, as ISO 8601.
inline std::string iso_time(Ms at)
{
	const Ms wall = wall_clock() - (lease_clock() - at);
	const time_t seconds = wall / 1000;
	tm t{};
	::gmtime_r(&seconds, &t);
	return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, wall % 1000);
}

} // namespace locks
