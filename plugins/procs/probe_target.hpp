// What a probe connects to: "HOST:PORT" and "http://HOST:PORT/PATH". Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace procs {

struct Endpoint {
	std::string host; // a name or an address, IPv6 without brackets
	std::uint16_t port = 0;
	std::string path; // of a URL
};

[[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text);
[[nodiscard]] std::optional<Endpoint> parse_url(std::string_view text);

/// `pattern` somewhere in `line`; * stands for any text, ? for any character. Linear in the line but for stars: no blow-up.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view line) noexcept;

} // namespace procs
