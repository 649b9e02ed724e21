#include "bus/pattern.hpp"

#include <algorithm>

namespace core {

namespace {
std::string_view take_part(std::string_view &rest) noexcept
{
	const std::size_t slash = rest.find('/');
	const std::string_view part = rest.substr(0, slash);
	rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
	return part;
}

bool is_part(std::string_view part) noexcept
{
	return !part.empty() && part != "." && part != ".." && std::ranges::all_of(part, [](char c) {
		return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == ':' || c == '@' || c == '-';
	});
}

bool is_made_of(std::string_view name, bool with_stars) noexcept
{
	if (name.empty() || name.size() > 128 || name.back() == '/') return false;
	while (!name.empty()) {
		const std::string_view part = take_part(name);
		if (!is_part(part) && !(with_stars && (part == "*" || part == "**"))) return false;
	}
	return true;
}
} // namespace

bool matches(std::string_view pattern, std::string_view name) noexcept
{
	// Remembers the last ** and takes one part more into it on a mismatch: linear enough for 128 bytes.
	std::string_view after_stars, retry;
	bool has_stars = false;
	while (!name.empty() || !pattern.empty()) {
		std::string_view p = pattern, n = name;
		const std::string_view part = take_part(p);
		if (part == "**") {
			if (p.empty()) return true;
			has_stars = true;
			after_stars = pattern = p;
			retry = name;
			continue;
		}
		if (!name.empty() && !pattern.empty()) {
			const std::string_view own = take_part(n);
			if (part == "*" || part == own) {
				pattern = p;
				name = n;
				continue;
			}
		}
		if (!has_stars || retry.empty()) return false;
		take_part(retry);
		name = retry;
		pattern = after_stars;
	}
	return true;
}

bool is_topic_name(std::string_view name) noexcept { return is_made_of(name, false); }
bool is_pattern(std::string_view pattern) noexcept { return is_made_of(pattern, true); }

} // namespace core
