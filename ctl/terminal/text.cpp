#include "terminal/text.hpp"

#include <patchbay/json.hpp>

#include <fmt/format.h>

#include <wchar.h>

namespace ctl {

namespace {

constexpr char32_t replacement = 0xfffd;
constexpr int most_marks = 4;

/// The next character of valid UTF-8; `i` moves behind it.
char32_t next(std::string_view text, std::size_t &i) noexcept
{
	const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
	const unsigned char c = byte(i);
	const std::size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	char32_t out = n == 1 ? c : c & (0x7fU >> n);
	for (std::size_t k = 1; k < n && i + k < text.size(); ++k) out = out << 6 | (byte(i + k) & 0x3f);
	i += n;
	return out;
}

void append(std::string &out, char32_t c)
{
	const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
	if (c < 0x80) put(c);
	else if (c < 0x800) put(0xc0 | c >> 6), put(0x80 | (c & 0x3f));
	else if (c < 0x10000) put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
	else put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f)), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
}

bool is_control(char32_t c) noexcept { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

/// Marks that turn the direction of writing, and line separators.
bool turns(char32_t c) noexcept { return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069); }

/// Characters of no width that are no combining marks, and tags.
bool hides(char32_t c) noexcept
{
	return c == 0xad || c == 0x34f || c == 0x115f || c == 0x1160 || c == 0x180e || (c >= 0x200b && c <= 0x200d) || (c >= 0x2060 && c <= 0x2065) ||
		   c == 0x3164 || c == 0xfeff || c == 0xffa0 || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

bool chooses_a_glyph(char32_t c) noexcept { return (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0x180b && c <= 0x180d); }

char32_t picture(char32_t control) noexcept { return control < 0x20 ? 0x2400 + control : control == 0x7f ? 0x2421 : replacement; }

int columns(char32_t c) noexcept { return wcwidth(static_cast<wchar_t>(c)); }

/// Behind "ESC [ … m", or where it was.
std::size_t behind_colour(std::string_view text, std::size_t i) noexcept
{
	if (text.substr(i, 2) != "\x1b[") return i;
	const std::size_t end = text.find_first_not_of("0123456789;:", i + 2);
	return end != std::string_view::npos && text[end] == 'm' ? end + 1 : i;
}

std::string cleaned(std::string_view given, bool is_line)
{
	const std::string text = pb::utf8(given);
	std::string out;
	int marks = most_marks; // none at the beginning: it would stand on what was printed before
	std::size_t column = 0;
	for (std::size_t i = 0; i < text.size();) {
		if (is_line) {
			if (const std::size_t end = behind_colour(text, i); end != i) {
				i = end;
				continue;
			}
		}
		char32_t c = next(text, i);
		if (is_line && c == '\t') {
			const std::size_t spaces = 8 - column % 8;
			out.append(spaces, ' ');
			column += spaces;
			continue;
		}
		if (chooses_a_glyph(c)) continue; // terminals do not agree on its width
		if (is_control(c)) c = picture(c);
		if (turns(c) || hides(c) || columns(c) < 0) c = replacement;
		const int width = columns(c);
		marks = width == 0 ? marks + 1 : 0;
		if (marks > most_marks) continue;
		column += static_cast<std::size_t>(width);
		append(out, c);
	}
	return out;
}

} // namespace

std::string harmless(std::string_view text) { return cleaned(text, false); }
std::string harmless_line(std::string_view text) { return cleaned(text, true); }

std::string harmless_json(std::string_view json)
{
	const std::string text = pb::utf8(json);
	std::string out;
	for (std::size_t i = 0; i < text.size();) {
		const char32_t c = next(text, i);
		const bool is_bare = c == '\n' || c == '\r' || c == '\t' || (!is_control(c) && !turns(c) && !hides(c));
		if (is_bare) append(out, c);
		else if (c < 0x10000) out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
		else out += fmt::format("\\u{:04x}\\u{:04x}", static_cast<unsigned>(0xd7c0 + (c >> 10)), static_cast<unsigned>(0xdc00 + (c & 0x3ff)));
	}
	return out;
}

std::size_t width_of(std::string_view text)
{
	std::size_t width = 0;
	for (std::size_t i = 0; i < text.size();) width += static_cast<std::size_t>(std::max(columns(next(text, i)), 0));
	return width;
}

std::string cut_to(std::string_view text, std::size_t most)
{
	if (width_of(text) <= most) return std::string(text);
	if (most == 0) return {};
	std::size_t width = 0, end = 0;
	for (std::size_t i = 0; i < text.size(); end = i) {
		width += static_cast<std::size_t>(std::max(columns(next(text, i)), 0));
		if (width > most - 1) break;
	}
	return std::string(text.substr(0, end)) + "…";
}

} // namespace ctl
