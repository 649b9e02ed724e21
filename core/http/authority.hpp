// "host:port" as it stands in a Host header, in an Origin and in an absolute target: taken apart and compared.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace core::http {

/// host in lower case, without the dot of a fully qualified name; IPv6 without brackets.
struct Authority {
	std::string host;
	unsigned port = 0; // 0: not written
	bool is_address = false;
	bool operator==(const Authority &) const = default;
};

/// Nothing where the text is none: characters that a name or an address has not, a port above 65535.
[[nodiscard]] std::optional<Authority> parse_authority(std::string_view text);

/// "https://kit.local" → scheme and authority with the scheme's own port filled in. Nothing for "null" and whatever has a path.
struct Origin {
	std::string scheme;
	Authority at;
	bool operator==(const Origin &) const = default;
};
[[nodiscard]] std::optional<Origin> parse_origin(std::string_view text);
/// 80, 443, or 0 for another scheme.
[[nodiscard]] unsigned usual_port(std::string_view scheme) noexcept;

} // namespace core::http
