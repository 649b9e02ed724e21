#include "config/key_depth.hpp"

namespace core::config {

namespace {
constexpr unsigned most_dots = 31;

/// The end of the string that begins at `at` with a quote; npos where it has none.
std::size_t end_of_string(std::string_view text, std::size_t at) noexcept
{
	const char quote = text[at];
	const bool has_escapes = quote == '"';
	const bool is_long = text.substr(at, 3) == (has_escapes ? "\"\"\"" : "'''");
	for (std::size_t i = at + (is_long ? 3 : 1); i < text.size(); ++i) {
		if (has_escapes && text[i] == '\\') {
			++i;
		} else if (!is_long && text[i] == '\n') {
			return std::string_view::npos; // the parser stops there
		} else if (text[i] == quote) {
			if (!is_long) return i + 1;
			if (text.substr(i, 3) != text.substr(at, 3)) continue;
			std::size_t end = i + 3;
			while (end < text.size() && end < i + 5 && text[end] == quote) ++end; // up to two quotes may stand before the three
			return end;
		}
	}
	return std::string_view::npos;
}

TextPlace place_of(std::string_view text, std::size_t at) noexcept
{
	TextPlace p{1, 1};
	for (const char c : text.substr(0, at)) {
		if (c == '\n') p = {p.line + 1, 1};
		else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) ++p.column;
	}
	return p;
}
} // namespace

std::optional<TextPlace> find_deep_key(std::string_view text) noexcept
{
	unsigned dots = 0;
	for (std::size_t i = 0; i < text.size();) {
		switch (text[i]) {
		case '"':
		case '\'':
			i = end_of_string(text, i);
			if (i == std::string_view::npos) return {};
			continue;
		case '#':
			i = text.find('\n', i);
			if (i == std::string_view::npos) return {};
			continue;
		case '.':
			if (++dots > most_dots) return place_of(text, i);
			break;
		case '\n':
		case '=':
		case ',':
		case '[':
		case ']':
		case '{':
		case '}': dots = 0; break;
		default: break;
		}
		++i;
	}
	return {};
}

} // namespace core::config
