#include "restart.hpp"

#include <algorithm>

namespace procs {

RestartPolicy::Decision RestartPolicy::on_end(const Ended &e, milliseconds now)
{
	if (settings.restart == "on-failure" && !has_failed(e)) return {Verdict::rest};
	return on_failure(now);
}

RestartPolicy::Decision RestartPolicy::on_failure(milliseconds now)
{
	if (settings.restart == "no") return {Verdict::rest};
	while (!restarts.empty() && now - restarts.front() >= settings.restart_window) restarts.pop_front();
	if (restarts.empty()) delay = {}; // it has run long enough
	if (restarts.size() >= static_cast<std::size_t>(settings.restart_limit)) return {Verdict::give_up};
	const milliseconds most = std::max(settings.restart_delay_max, settings.restart_delay);
	delay = delay.count() == 0 ? settings.restart_delay : std::min(delay * 2, most);
	restarts.push_back(now);
	return {Verdict::again, delay};
}

} // namespace procs
