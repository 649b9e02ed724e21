// The signal of one device over the last five minutes.
#pragma once
#include "devices/device.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace devices {

/// Plain value. Its times are the source's. The newest reading is always there; older ones are kept `spacing` apart, so
/// that a device has at most 300 s / spacing + 2 of them.
class History {
public:
	static constexpr std::int64_t kept_ms = 300'000;
	struct Sample {
		std::int64_t time_ms;
		std::int32_t lat_e7, lon_e7; // 1e-7 degrees
		std::int16_t signal;
		bool has_place;
	};

	void add(const Device &d, std::int64_t spacing_ms)
	{
		const std::int64_t now = d.last_seen_ms;
		if (d.signal.last == 0) return;
		std::erase_if(samples, [&](const Sample &s) { return s.time_ms > now || s.time_ms < now - kept_ms; }); // a clock that jumped begins anew
		const auto degrees = [](double v) { return static_cast<std::int32_t>(std::lround(std::clamp(v, -180.0, 180.0) * 1e7)); };
		const Sample s{now, d.place ? degrees(d.place->lat) : 0, d.place ? degrees(d.place->lon) : 0,
			static_cast<std::int16_t>(std::clamp(d.signal.last, -32768, 32767)), d.place.has_value()};
		const bool is_close = samples.size() > 1 && samples.back().time_ms - samples[samples.size() - 2].time_ms < spacing_ms;
		if (!samples.empty() && (is_close || samples.back().time_ms == now)) samples.back() = s;
		else samples.push_back(s);
	}
	/// Gives the memory back as well.
	void clear() noexcept { std::vector<Sample>().swap(samples); }
	[[nodiscard]] std::span<const Sample> all() const noexcept { return samples; }

private:
	std::vector<Sample> samples;
};

/// `[{"time","signal","lat","lon"}]`
void append_history(std::string &out, const History &history);

} // namespace devices
