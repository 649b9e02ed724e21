// Server-Sent Events out of the bytes of a stream.
#pragma once
#include <functional>
#include <string>
#include <string_view>

namespace ctl {

struct Event {
	std::string name, id, data;
};

/// Gathers lines into events. A line and an event have their limits: what is longer is given up.
class EventStream final {
public:
	/// `on_event` answers whether to go on.
	explicit EventStream(std::function<bool(const Event &)> on_event_) : on_event(std::move(on_event_)) {}
	/// false: `on_event` wants no more.
	[[nodiscard]] bool feed(std::string_view bytes);
	/// A new connection: half lines of the former one are nothing.
	void restart();

private:
	[[nodiscard]] bool take(std::string_view line);
	std::function<bool(const Event &)> on_event;
	std::string half;
	Event event;
	bool has_data = false, is_too_long = false, was_return = false;
};

} // namespace ctl
