#include "url.hpp"

#include <event2/http.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

namespace webhook::outgoing {

namespace {
constexpr std::size_t longest_value = 4096;

struct FreeUri {
	void operator()(evhttp_uri *u) const noexcept { evhttp_uri_free(u); }
};

std::string lower(std::string_view text)
{
	std::string out(text);
	for (char &c : out)
		if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
	return out;
}

bool is_token(std::string_view name) noexcept
{
	constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
	return !name.empty() && std::ranges::all_of(name, [marks](char c) {
		return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || marks.find(c) != std::string_view::npos;
	});
}
} // namespace

std::optional<Url> Url::parse(const std::string &text, std::string &flaw)
{
	const auto refuse = [&flaw](const char *why) {
		flaw = why;
		return std::nullopt;
	};
	if (std::ranges::any_of(text, [](char c) { return c <= ' ' || c == 0x7f || static_cast<unsigned char>(c) >= 0x80; }))
		return refuse("has a blank or a letter that no URL has; write it with %xx");
	const std::unique_ptr<evhttp_uri, FreeUri> uri(evhttp_uri_parse(text.c_str()));
	const char *scheme = uri ? evhttp_uri_get_scheme(uri.get()) : nullptr, *host = uri ? evhttp_uri_get_host(uri.get()) : nullptr;
	if (!scheme || !host || !*host) return refuse("is no URL; write it as https://host:port/path");
	Url out;
	const std::string named = lower(scheme);
	if (named != "http" && named != "https") return refuse("must begin with http:// or https://");
	out.is_secure = named == "https";
	if (evhttp_uri_get_userinfo(uri.get())) return refuse("must not carry a user or password; use headers");
	if (evhttp_uri_get_fragment(uri.get())) return refuse("must not have a fragment (#)");
	out.host = lower(host);
	const bool is_v6 = out.host.front() == '[';
	if (is_v6) out.host = out.host.substr(1, out.host.size() - 2);
	if (out.host.empty() || out.host.size() > 253) return refuse("has no host that could be asked for");
	const int port = evhttp_uri_get_port(uri.get()), usual = out.is_secure ? 443 : 80;
	if (port == 0 || port > 65535) return refuse("has a port that is none");
	out.port = static_cast<std::uint16_t>(port < 0 ? usual : port);
	const char *path = evhttp_uri_get_path(uri.get()), *query = evhttp_uri_get_query(uri.get());
	out.target = path && *path ? path : "/";
	if (query) out.target.append("?").append(query);
	const std::string written = is_v6 ? fmt::format("[{}]", out.host) : out.host;
	out.authority = out.port == usual ? written : fmt::format("{}:{}", written, out.port);
	out.origin = fmt::format("{}://{}", named, out.authority);
	return out;
}

std::string flaw_of_header(std::string_view name, std::string_view value)
{
	constexpr std::array ours{"host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer", "expect"};
	if (!is_token(name) || name.size() > 128) return "is no name for a header";
	const std::string lowered = lower(name);
	if (std::ranges::find(ours, lowered) != ours.end() || lowered.starts_with("x-webhook-") || lowered.starts_with("proxy-"))
		return "is written by the daemon itself";
	const bool is_plain = std::ranges::all_of(value, [](char c) { return (c >= ' ' && c != 0x7f) || c == '\t' || static_cast<unsigned char>(c) >= 0x80; });
	if (!is_plain || value.size() > longest_value) return "has a value that cannot be sent";
	return {};
}

bool is_secret_header(std::string_view name)
{
	const std::string lowered = lower(name);
	constexpr std::array marks{"authorization", "cookie", "token", "secret", "key", "password", "signature"};
	return std::ranges::any_of(marks, [&lowered](const char *m) { return lowered.find(m) != std::string::npos; });
}

} // namespace webhook::outgoing
