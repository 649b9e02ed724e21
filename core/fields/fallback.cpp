#include "fields/fallback.hpp"

#include "fields/check.hpp"
#include "fields/shape.hpp"

#include <charconv>
#include <cmath>

namespace core::fields {

namespace {
constexpr int deepest = 16;

/// One TOML value on one line: strings, numbers, booleans, arrays, inline tables. Anything that is none gives an empty Json.
class ValueReader {
public:
	explicit ValueReader(std::string_view text_) : text(text_) {}
	pb::Json whole()
	{
		pb::Json j = value(0);
		skip();
		return text.empty() ? std::move(j) : pb::Json{};
	}

private:
	void skip() noexcept
	{
		while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '\n')) text.remove_prefix(1);
	}
	bool take(char c) noexcept
	{
		skip();
		if (text.empty() || text.front() != c) return false;
		text.remove_prefix(1);
		return true;
	}
	std::string_view word() noexcept
	{
		skip();
		const std::size_t n = std::min(text.find_first_of(" \t\n,]}=[{\"'"), text.size());
		const std::string_view w = text.substr(0, n);
		text.remove_prefix(n);
		return w;
	}
	pb::Json value(int depth)
	{
		skip();
		if (text.empty() || depth > deepest) return {};
		if (text.front() == '"' || text.front() == '\'') return quoted();
		if (take('[')) return array(depth);
		if (take('{')) return table(depth);
		const std::string_view w = word();
		if (w == "true" || w == "false") return w == "true";
		return number(w);
	}
	static pb::Json number(std::string_view w)
	{
		std::string digits;
		for (const char c : w.substr(!w.empty() && w.front() == '+' ? 1 : 0))
			if (c != '_') digits += c;
		const char *end = digits.data() + digits.size();
		std::int64_t n = 0;
		if (const auto r = std::from_chars(digits.data(), end, n); r.ec == std::errc() && r.ptr == end) return n;
		double d = 0;
		if (const auto r = std::from_chars(digits.data(), end, d); r.ec == std::errc() && r.ptr == end && std::isfinite(d)) return d;
		return {};
	}
	pb::Json quoted()
	{
		const char quote = text.front();
		std::string out;
		for (std::size_t i = 1; i < text.size(); ++i) {
			if (text[i] == quote) {
				text.remove_prefix(i + 1);
				return out;
			}
			if (quote == '"' && text[i] == '\\') {
				if (++i == text.size()) break;
				const std::string_view from = "btnfre\"\\", to = "\b\t\n\f\r\x1b\"\\";
				const std::size_t at = from.find(text[i]);
				if (at == std::string_view::npos) break;
				out += to[at];
			} else {
				out += text[i];
			}
		}
		return {};
	}
	pb::Json array(int depth)
	{
		pb::Json out = pb::Json::array();
		while (!take(']')) {
			pb::Json v = value(depth + 1);
			if (!v) return {};
			out.push(std::move(v));
			if (!take(',') && (skip(), text.empty() || text.front() != ']')) return {};
		}
		return out;
	}
	pb::Json table(int depth)
	{
		pb::Json out = pb::Json::object();
		while (!take('}')) {
			skip();
			const bool is_quoted = !text.empty() && (text.front() == '"' || text.front() == '\'');
			const std::string key(is_quoted ? pb::text_of(quoted().get()) : word());
			if (key.empty() || !take('=')) return {};
			pb::Json v = value(depth + 1);
			if (!v) return {};
			out.set(key.c_str(), std::move(v));
			if (!take(',') && (skip(), text.empty() || text.front() != '}')) return {};
		}
		return out;
	}
	std::string_view text;
};
} // namespace

pb::Json parse_fallback(const pb_field &field)
{
	const std::string_view text = field.fallback;
	const bool is_bare = !is_list(field) && !is_map(field) && !text.empty() && text.front() >= '0' && text.front() <= '9';
	if (is_bare && (base_of(field) == PB_DURATION || base_of(field) == PB_TIME)) return text;
	return ValueReader(text).whole();
}

} // namespace core::fields
