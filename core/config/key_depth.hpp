// The library bounds how deep values nest, but not how many parts a dotted key has ("a.a.a.… = 1"), and frees such a chain
// by recursion: a file of 400 kB would overflow the stack. So text is looked through for one before it is parsed.
#pragma once
#include <optional>
#include <string_view>

namespace core::config {

struct TextPlace {
	unsigned line, column;
};

/// Where the first key with more than 32 parts begins to be too long. Anything that is no TOML is left to the parser, which
/// reads it the same way up to its first error.
[[nodiscard]] std::optional<TextPlace> find_deep_key(std::string_view text) noexcept;

} // namespace core::config
