#include "config/precheck.hpp"

namespace core::config {

namespace {
constexpr unsigned most_dots = 31;
constexpr std::size_t npos = std::string_view::npos;

bool is_beyond_ascii(char c) noexcept { return static_cast<unsigned char>(c) >= 0x80; }

/// Walks over the text as a parser would, as far as to know strings and comments from the rest.
class Walk {
public:
	explicit Walk(std::string_view text_) : text(text_) {}

	std::optional<Stumble> run() noexcept
	{
		if (text.starts_with("\xef\xbb\xbf")) at = 3; // a byte order mark
		unsigned dots = 0;
		while (at < text.size()) {
			const char c = text[at];
			if (c == '"' || c == '\'') {
				if (!skip_string()) return stumble;
				continue;
			}
			if (c == '#') {
				at = text.find('\n', at);
				continue;
			}
			if (is_beyond_ascii(c)) return here("a character beyond ASCII; it must stand in quotes");
			if (c == '.' && ++dots > most_dots) return here("a key with more than 32 parts");
			if (std::string_view("\n=,[]{}").find(c) != npos) dots = 0;
			++at;
		}
		return {};
	}

private:
	std::optional<Stumble> here(const char *message) const noexcept
	{
		Stumble s{1, 1, message};
		for (const char c : text.substr(0, at)) {
			if (c == '\n') s = {s.line + 1, 1, message};
			else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) ++s.column;
		}
		return s;
	}

	/// To behind its end. False: it has none, or `stumble` is set.
	bool skip_string() noexcept
	{
		const char quote = text[at];
		const bool has_escapes = quote == '"';
		const std::string_view long_quote = has_escapes ? "\"\"\"" : "'''";
		const bool is_long = text.substr(at, 3) == long_quote;
		for (at += is_long ? 3 : 1; at < text.size(); ++at) {
			if (has_escapes && text[at] == '\\') {
				if (is_long && !skip_blanks_after_backslash()) return false;
				if (!is_long) ++at;
			} else if (!is_long && text[at] == '\n') {
				return false; // the parser stops there
			} else if (text[at] == quote) {
				if (is_long && text.substr(at, 3) != long_quote) continue;
				at += is_long ? 3 : 1;
				for (int more = 0; is_long && more < 2 && at < text.size() && text[at] == quote; ++more) ++at; // two quotes may stand before the three
				return true;
			}
		}
		return false;
	}

	/// At a backslash; ends at the escaped character, or before what follows the blanks that it takes away.
	bool skip_blanks_after_backslash() noexcept
	{
		std::size_t next = at + 1;
		while (next < text.size() && std::string_view(" \t\r\n").find(text[next]) != npos) ++next;
		const bool is_beyond = next < text.size() && is_beyond_ascii(text[next]);
		at = next == at + 1 ? next : next - 1;
		if (!is_beyond) return true;
		at = next;
		stumble = here("a character beyond ASCII directly after a backslash and blanks");
		return false;
	}

	const std::string_view text;
	std::size_t at = 0;
	std::optional<Stumble> stumble;
};
} // namespace

std::optional<Stumble> find_stumble(std::string_view text) noexcept { return Walk(text).run(); }

} // namespace core::config
