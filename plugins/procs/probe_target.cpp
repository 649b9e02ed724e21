#include "probe_target.hpp"

#include <algorithm>
#include <charconv>

namespace procs {

std::optional<Endpoint> parse_endpoint(std::string_view text)
{
	const std::size_t colon = text.rfind(':');
	if (colon == std::string_view::npos || colon == 0) return {};
	std::string_view host = text.substr(0, colon);
	const std::string_view port = text.substr(colon + 1);
	if (host.starts_with('[')) {
		if (!host.ends_with(']') || host.size() < 3) return {};
		host = host.substr(1, host.size() - 2);
	} else if (host.find(':') != std::string_view::npos) return {}; // IPv6 needs its brackets
	std::uint16_t number = 0;
	const auto r = std::from_chars(port.data(), port.data() + port.size(), number);
	if (r.ec != std::errc() || r.ptr != port.data() + port.size() || number == 0) return {};
	if (std::ranges::any_of(host, [](char c) { return c <= ' ' || c == '/' || c == '@' || c == 127; })) return {};
	return Endpoint{std::string(host), number, ""};
}

std::optional<Endpoint> parse_url(std::string_view text)
{
	constexpr std::string_view scheme = "http://";
	if (!text.starts_with(scheme)) return {};
	text.remove_prefix(scheme.size());
	const std::size_t slash = std::min(text.find_first_of("/?"), text.size());
	std::string authority(text.substr(0, slash)), path(text.substr(slash));
	if (authority.find(':', authority.rfind(']') == std::string::npos ? 0 : authority.rfind(']')) == std::string::npos) authority += ":80";
	if (std::ranges::any_of(path, [](char c) { return c <= ' ' || c == 127; })) return {};
	auto out = parse_endpoint(authority);
	if (out) out->path = path.starts_with('/') ? path : "/" + path;
	return out;
}

bool matches(std::string_view pattern, std::string_view line) noexcept
{
	// An implicit star at both ends. On a mismatch the last star takes one character more.
	std::size_t p = 0, l = 0, star_p = 0, star_l = 0;
	while (p < pattern.size()) {
		if (pattern[p] == '*') {
			star_p = ++p;
			star_l = l;
		} else if (l < line.size() && (pattern[p] == '?' || pattern[p] == line[l])) {
			++p;
			++l;
		} else if (l >= line.size()) return false; // what is left of the line can only grow shorter
		else {
			p = star_p;
			l = ++star_l;
		}
	}
	return true;
}

} // namespace procs
