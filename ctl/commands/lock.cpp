// lock: a command under a lock, as flock runs it.
#include "commands/commands.hpp"
#include "failure.hpp"
#include "held_lock.hpp"
#include "owner.hpp"

#include "terminal/text.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>

namespace ctl {

namespace {
constexpr Seconds usual_wait{30}, grace{10}; // beyond the wait, for a daemon that does not keep it
}

int lock(Context &context, const Arguments &arguments)
{
	const Inherited inherited;
	std::vector<std::string> command(arguments.words.begin() + 1, arguments.words.end());
	if (command.front() == "--") command.erase(command.begin());
	if (command.empty()) throw Failure(bad_usage, "lock needs a command\nusage: patchbayctl lock NAME -- COMMAND [ARGUMENT]…");
	const std::string given = arguments.get("wait").value_or("30s");
	const auto limit = parse_duration(given);
	if (!limit || limit->count() > 86400) throw Failure(bad_usage, fmt::format("--wait {}: it is a time up to 1d, as in 0s, 500ms, 10s, 2m", harmless(given)));
	// With our PID: two of one user are two owners, each with its turn.
	const std::string owner = arguments.get("owner").value_or(fmt::format("{}:{}", usual_owner(), getpid()));
	HeldLock held(context.client(), arguments.words[0], owner, *limit);
	const auto until = std::chrono::steady_clock::now() + *limit + grace;
	while (!held.is_granted()) {
		held.wait(-1, 1000);
		if (const std::string news = held.take_news(); !news.empty() && !arguments.has("quiet")) note(news);
		if (std::chrono::steady_clock::now() > until) throw Failure(unreachable, fmt::format("{} does not answer", context.client().target().text));
		if (!held.failure().empty()) throw Failure(held.exit_code(), held.failure());
	}
	inherited.keep_no_others();
	return run_under(held, command, arguments.has("strict"));
}

} // namespace ctl
