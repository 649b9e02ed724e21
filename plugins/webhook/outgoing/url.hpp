// Where an outgoing webhook goes, and what may be sent along: both chosen by whoever configures it, so both are checked.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace webhook::outgoing {

struct Url {
	bool is_secure = false;
	std::string host; // IPv6 without brackets
	std::uint16_t port = 0;
	std::string target;    // path and query, as in a request's first line
	std::string authority; // for the Host header
	std::string origin;    // for people: scheme, host and port, without what may be a secret in the path

	/// Nothing, and `flaw` says why.
	[[nodiscard]] static std::optional<Url> parse(const std::string &text, std::string &flaw);
};

/// What is wrong with a header of the user's own; "": nothing.
[[nodiscard]] std::string flaw_of_header(std::string_view name, std::string_view value);
/// Its value is not to be shown to anybody.
[[nodiscard]] bool is_secret_header(std::string_view name);

} // namespace webhook::outgoing
