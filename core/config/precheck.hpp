// What toml++ 3.3 must not be given, found before it parses.
//
// It bounds how deep values nest, but not how many parts a dotted key has ("a.a.a.… = 1"), and frees such a chain by recursion:
// a file of 400 kB overflows the stack. And its test for blanks has no defined result for many letters beyond ASCII, where it
// looks for blanks: outside of strings, where TOML allows none anyway, and behind a backslash in a string of several lines.
#pragma once
#include <optional>
#include <string_view>

namespace core::config {

struct Stumble {
	unsigned line, column;
	const char *message;
};

/// The first such place. Anything else that is no TOML is left to the parser, which reads it the same way up to its first error.
[[nodiscard]] std::optional<Stumble> find_stumble(std::string_view text) noexcept;

} // namespace core::config
