// What the server counts, for GET /metrics.
#pragma once
#include "metrics/metrics.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace core::http {

/// Answers of one route by status. Outlives the route, so that counters never fall.
struct RouteCount {
	std::vector<std::pair<int, std::uint64_t>> codes;
	void add(int status);
};

struct Figures {
	std::uint64_t accepted = 0, capped = 0, starved = 0, requests = 0, bytes_in = 0, bytes_out = 0, timeouts = 0, cancelled = 0, tls_failed = 0;
	std::size_t streams = 0;
	std::map<int, std::uint64_t> refused; // framing and limits, by status
	RouteCount none;                      // answers where no route is
	/// By pattern; bounded: what comes past 1,024 patterns is counted as "other".
	[[nodiscard]] RouteCount &route(std::string_view pattern);
	void write(Exposition &out, std::size_t connections, std::size_t in_flight) const;

private:
	std::map<std::string, RouteCount, std::less<>> routes; // its nodes do not move
};

} // namespace core::http
