#include "http/event_stream.hpp"

#include <utility>

namespace ctl {

namespace {
constexpr std::size_t longest = 64 * 1024 * 1024;
}

bool EventStream::take(std::string_view line)
{
	if (line.empty()) {
		const bool is_whole = std::exchange(has_data, false) && !std::exchange(is_too_long, false);
		Event done = std::exchange(event, {});
		event.id = done.id; // stays until another comes
		return !is_whole || on_event(done);
	}
	const std::size_t colon = line.find(':');
	if (colon == 0) return true; // a comment
	const std::string_view field = line.substr(0, colon);
	std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
	if (value.starts_with(' ')) value.remove_prefix(1);
	if (field == "event") event.name = value;
	else if (field == "id") event.id = value;
	else if (field == "data") {
		if (event.data.size() + value.size() > longest) is_too_long = true;
		else (event.data += has_data ? "\n" : "") += value;
		has_data = true;
	}
	return true;
}

bool EventStream::feed(std::string_view bytes)
{
	while (!bytes.empty()) {
		const std::size_t end = bytes.find_first_of("\r\n");
		if (end == std::string_view::npos) {
			if (half.size() + bytes.size() > longest) half.clear(), is_too_long = true;
			else half += bytes;
			was_return = false;
			return true;
		}
		const bool is_second_half = end == 0 && bytes[0] == '\n' && was_return && half.empty(); // of CR LF
		was_return = bytes[end] == '\r';
		const std::string line = std::exchange(half, {}) + std::string(bytes.substr(0, end));
		bytes.remove_prefix(end + 1);
		if (!is_second_half && !take(line)) return false;
	}
	return true;
}

void EventStream::restart()
{
	half.clear();
	event = {};
	has_data = is_too_long = was_return = false;
}

} // namespace ctl
