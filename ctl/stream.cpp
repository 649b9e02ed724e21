#include "stream.hpp"
#include "failure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace ctl {

namespace {
constexpr Seconds silence{45}; // the daemon says something every 15 s
constexpr std::chrono::milliseconds first_pause{250}, longest_pause{5000};
} // namespace

int Stream::run(const std::function<bool(const Event &)> &on_event)
{
	auto pause = first_pause;
	bool is_lost = false, was_there = false;
	EventStream events([&](const Event &e) {
		if (!e.id.empty()) last_id = e.id;
		return on_event(e);
	});
	for (;;) {
		std::vector<std::string> headers{"Accept: text/event-stream"};
		if (!last_id.empty()) headers.push_back("Last-Event-ID: " + last_id);
		std::string why;
		events.restart();
		const auto on_bytes = [&](std::string_view bytes) {
			if (std::exchange(is_lost, false)) {
				note("the connection is back");
				if (returned) returned();
			}
			was_there = true;
			pause = first_pause;
			return events.feed(bytes);
		};
		try {
			if (context.client().follow(path, headers, on_bytes, silence, why) == Client::End::left) return done;
		} catch (const Failure &f) {
			if (f.exit != unreachable || !was_there) throw;
			why = f.text;
		}
		if (!std::exchange(is_lost, true)) note(fmt::format("the connection is lost ({}); trying again", why));
		if (was_there && !next_path.empty()) path = next_path;
		std::this_thread::sleep_for(pause);
		pause = std::min(pause * 2, longest_pause);
	}
}

} // namespace ctl
