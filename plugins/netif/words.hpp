// Times as text.
#pragma once
#include <fmt/chrono.h>

#include <cstdint>
#include <ctime>
#include <string>

namespace netif {

/// "2026-11-24T10:00:00.000Z" of unix milliseconds.
inline std::string iso_time(std::int64_t ms)
{
	const auto seconds = static_cast<std::time_t>(ms / 1000);
	return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), ms % 1000);
}

} // namespace netif
