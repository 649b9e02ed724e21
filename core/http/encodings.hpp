// The Accept-Encoding header (RFC 9110, section 12.5.3).
#pragma once
#include <string_view>

namespace core::http {

/// Which content codings a client takes, of those that files can lie beside in.
struct Encodings {
	bool br = false, gzip = false;
	[[nodiscard]] static Encodings parse(std::string_view header) noexcept;
};

} // namespace core::http
