// Percent-decoding of paths and queries. What cannot be text (a NUL, broken UTF-8, a broken escape) is refused, never mended.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace core::http {

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// A part of a path as it lies in the decoded text. A slash that was sent as %2f is data inside of its part.
struct Part {
	std::size_t at = 0, size = 0;
};

/// Appends the decoded text. nullptr, or what is wrong. is_form: '+' is a blank.
[[nodiscard]] const char *decode(std::string_view raw, std::string &out, bool is_form = false);
/// Decodes a whole path, which begins with '/', and finds its parts. nullptr, or what is wrong; parts "." and ".." are.
[[nodiscard]] const char *decode_path(std::string_view raw, std::string &out, std::vector<Part> &parts);
/// "a=1&b" → pairs, in order.
[[nodiscard]] const char *decode_query(std::string_view raw, Pairs &out);

} // namespace core::http
