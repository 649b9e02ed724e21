#include "http/target.hpp"
#include "failure.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace ctl {

namespace {
constexpr const char *usual_socket = "/run/patchbay/http.sock", *usual_port = "8092";

[[noreturn]] void refuse(std::string_view text, std::string_view why)
{
	throw Failure(bad_usage, fmt::format("--host {}: {}; it is http://NAME:PORT, NAME:PORT or unix:PATH", text, why));
}

bool is_port(std::string_view text) noexcept
{
	unsigned port = 0;
	const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
	return error == std::errc() && end == text.data() + text.size() && port > 0 && port < 65536;
}

/// "kit", "kit:8092", "::1", "[::1]:8092" → with a port.
std::string with_port(std::string_view text, std::string_view host)
{
	const std::size_t colon = host.rfind(':');
	const bool is_bare_v6 = host.find(':') != colon && !host.starts_with('[');
	if (is_bare_v6) return fmt::format("[{}]:{}", host, usual_port);
	if (colon == std::string_view::npos || (host.ends_with(']') && host.starts_with('['))) return fmt::format("{}:{}", host, usual_port);
	if (!is_port(host.substr(colon + 1))) refuse(text, "the port must be between 1 and 65535");
	if (colon == 0) refuse(text, "there is no name before the port");
	return std::string(host);
}
} // namespace

Target parse_target(std::string_view text)
{
	if (text.starts_with("unix:")) {
		const std::string_view path = text.substr(5);
		if (path.empty() || path.size() > 107) refuse(text, "a socket's path has 1 to 107 bytes");
		return {"http://localhost", std::string(path), std::string(text)};
	}
	const auto is_odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\\' || c == '"' || c == '@' || c == '?' || c == '#' || c == '\x7f'; };
	if (text.empty() || std::ranges::any_of(text, is_odd)) refuse(text, "that is no address");
	if (text.starts_with("http://") || text.starts_with("https://")) {
		const std::size_t host = text.find("//") + 2;
		if (host >= text.size() || text[host] == '/') refuse(text, "there is no name in it");
		std::string base(text);
		while (base.ends_with('/')) base.pop_back();
		return {base, {}, std::string(text)};
	}
	if (text.find('/') != std::string_view::npos) refuse(text, "that is no address");
	return {"http://" + with_port(text, text), {}, std::string(text)};
}

std::vector<Target> usual_targets()
{
	std::vector<Target> out;
	if (access(usual_socket, F_OK) == 0) out.push_back(parse_target(fmt::format("unix:{}", usual_socket)));
	out.push_back(parse_target(fmt::format("127.0.0.1:{}", usual_port)));
	return out;
}

std::string escaped(std::string_view part)
{
	std::string out;
	for (const char c : part) {
		const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
		if (is_plain) out += c;
		else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
	}
	return out == "." || out == ".." ? out.replace(0, 1, "%2E") : out;
}

} // namespace ctl
