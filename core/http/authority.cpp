#include "http/authority.hpp"

#include "http/address.hpp"

#include <algorithm>
#include <charconv>

namespace core::http {

namespace {
char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_name(std::string_view host) noexcept
{
	return !host.empty() && host.size() <= 253 &&
		   std::ranges::all_of(host, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'; });
}
} // namespace

std::optional<Authority> parse_authority(std::string_view text)
{
	Authority out;
	std::string_view host = text;
	const std::size_t end = text.starts_with('[') ? text.find(']') : 0;
	if (end == std::string_view::npos) return {};
	if (const std::size_t colon = text.find(':', end); colon != std::string_view::npos) {
		host = text.substr(0, colon);
		const std::string_view digits = text.substr(colon + 1);
		const auto [stop, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
		if (!digits.empty() && (problem != std::errc() || stop != digits.data() + digits.size() || out.port > 65535)) return {};
	}
	const auto address = Address::parse(host);
	if (address && (host.starts_with('[') || address->is_v4())) {
		out.host = address->text();
		out.is_address = true;
		return out;
	}
	if (host.ends_with('.')) host.remove_suffix(1);
	out.host.resize(host.size());
	std::ranges::transform(host, out.host.begin(), lower);
	if (!is_name(out.host)) return {};
	return out;
}

unsigned usual_port(std::string_view scheme) noexcept { return scheme == "http" ? 80 : scheme == "https" ? 443 : 0; }

std::optional<Origin> parse_origin(std::string_view text)
{
	const std::size_t end = text.find("://");
	if (end == std::string_view::npos) return {};
	Origin out;
	out.scheme.resize(end);
	std::ranges::transform(text.substr(0, end), out.scheme.begin(), lower);
	auto at = parse_authority(text.substr(end + 3));
	if (!at) return {};
	out.at = std::move(*at);
	if (out.at.port == 0) out.at.port = usual_port(out.scheme);
	return out;
}

} // namespace core::http
