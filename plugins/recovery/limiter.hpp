// When the next attempt at one class may be: exponential back-off, and a limit an hour. Pure.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace recovery {

using Ms = std::int64_t; // unix time in ms, or a length

class Limiter final {
public:
	static constexpr Ms hour = 3'600'000;
	struct Bounds {
		std::size_t an_hour;
		Ms back_off, back_off_max;
	};

	/// When the next attempt may begin (`now` or later); nothing: the hour's are used up.
	[[nodiscard]] std::optional<Ms> next(Ms now, const Bounds &b)
	{
		forget_before(now - hour);
		if (attempts.size() >= b.an_hour) return {};
		if (failures == 0 || attempts.empty()) return now;
		// A clock that was set back must not make the pause longer than it is.
		const Ms last = std::min(ended, now);
		return std::max(now, last + pause(b));
	}
	void on_attempt(Ms now) { attempts.push_back(now); }
	void on_failed(Ms now) noexcept
	{
		ended = now;
		++failures;
	}
	void on_success() noexcept { failures = 0; }
	[[nodiscard]] std::size_t in_the_last_hour(Ms now)
	{
		forget_before(now - hour);
		return attempts.size();
	}

private:
	[[nodiscard]] Ms pause(const Bounds &b) const noexcept
	{
		Ms p = b.back_off;
		for (unsigned i = 1; i < failures && p < b.back_off_max; ++i) p *= 2;
		return std::min(p, b.back_off_max);
	}
	void forget_before(Ms t)
	{
		while (!attempts.empty() && (attempts.front() < t || attempts.front() > t + 2 * hour)) attempts.pop_front(); // also those of a clock that ran ahead
	}
	std::deque<Ms> attempts; // in the last hour
	Ms ended = 0;
	unsigned failures = 0; // in a row
};

} // namespace recovery
