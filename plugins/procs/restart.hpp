// When a process that ended by itself is started again: exponential back-off, a limit a window. Pure.
#pragma once
#include "record.hpp"

#include <deque>
#include <optional>

namespace procs {

class RestartPolicy {
public:
	explicit RestartPolicy(const ProcessSettings &s) noexcept : settings(s) {}

	enum class Verdict { rest, again, give_up };
	struct Decision {
		Verdict verdict;
		milliseconds delay{};
	};
	/// now: any clock that never goes back.
	[[nodiscard]] Decision on_end(const Ended &e, milliseconds now);
	/// It failed, however it ended: it was not ready in time, or a start of ours came to nothing.
	[[nodiscard]] Decision on_failure(milliseconds now);
	/// Somebody asked for a start: what went before is forgotten.
	void forget() noexcept
	{
		restarts.clear();
		delay = {};
	}

	[[nodiscard]] static bool has_failed(const Ended &e) noexcept { return e.code != 0; }

private:
	const ProcessSettings &settings;
	std::deque<milliseconds> restarts; // within the window
	milliseconds delay{};              // of the last one
};

} // namespace procs
