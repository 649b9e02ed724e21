#include "config/listen.hpp"

#include "http/address.hpp"

#include <sys/un.h>

#include <algorithm>
#include <charconv>

namespace core::config {

namespace {
constexpr std::size_t longest_path = sizeof(sockaddr_un::sun_path) - 1;

bool is_port(std::string_view text) noexcept
{
	unsigned port = 0;
	const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
	return problem == std::errc() && stop == text.data() + text.size() && port <= 65535;
}
} // namespace

std::string listen_flaw(std::string_view text)
{
	if (text.starts_with("unix:")) {
		const std::string_view path = text.substr(5);
		if (!path.starts_with('/')) return "must name an absolute path: unix:/run/patchbay/http.sock";
		return path.size() > longest_path ? "has a longer path than a Unix socket can have (" + std::to_string(longest_path) + " bytes)" : "";
	}
	const std::size_t colon = text.rfind(':');
	if (colon == std::string_view::npos || !is_port(text.substr(colon + 1))) return "must end with its port: 127.0.0.1:8092";
	const std::string_view host = text.substr(0, colon);
	if (host.empty() || host == "*") return "must begin with an address: 0.0.0.0 for all of IPv4, [::] for all of IPv6";
	const auto address = http::Address::parse(host);
	if (!address) return "is no address; names are not looked up: write 127.0.0.1:8092, [::1]:8092 or unix:/run/patchbay/http.sock";
	const bool has_brackets = host.starts_with('[') && host.ends_with(']');
	return std::ranges::count(host, ':') > 0 && !has_brackets ? "must have its IPv6 address in brackets: [::1]:8092" : "";
}

} // namespace core::config
