#include "http/decode.hpp"

namespace core::http {

namespace {
int digit(char c) noexcept
{
	if (c >= '0' && c <= '9') return c - '0';
	const char low = static_cast<char>(c | 0x20);
	return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}
} // namespace

bool is_utf8(std::string_view text) noexcept
{
	const auto *p = reinterpret_cast<const unsigned char *>(text.data());
	const auto *const end = p + text.size();
	while (p != end) {
		const unsigned c = *p++;
		if (c < 0x80) continue;
		const int more = c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : 0;
		if (more == 0 || end - p < more) return false;
		// too long a form, surrogates, past U+10FFFF
		if ((c == 0xe0 && *p < 0xa0) || (c == 0xed && *p > 0x9f) || (c == 0xf0 && *p < 0x90) || (c == 0xf4 && *p > 0x8f)) return false;
		for (int i = 0; i < more; ++i)
			if ((*p++ & 0xc0) != 0x80) return false;
	}
	return true;
}

const char *decode(std::string_view raw, std::string &out, bool is_form)
{
	const std::size_t began = out.size();
	for (std::size_t i = 0; i < raw.size(); ++i) {
		char c = raw[i];
		if (c == '%') {
			const int high = i + 2 < raw.size() ? digit(raw[i + 1]) : -1;
			const int low = i + 2 < raw.size() ? digit(raw[i + 2]) : -1;
			if (high < 0 || low < 0) return "a % is not followed by two hexadecimal digits";
			c = static_cast<char>(high * 16 + low);
			if (c == '\0') return "an encoded NUL (%00)";
			i += 2;
		} else if (c == '+' && is_form) {
			c = ' ';
		}
		out += c;
	}
	return is_utf8(std::string_view(out).substr(began)) ? nullptr : "not UTF-8 once decoded";
}

const char *decode_path(std::string_view raw, std::string &out, std::vector<Part> &parts)
{
	out.clear();
	parts.clear();
	while (!raw.empty()) {
		raw.remove_prefix(1); // the slash
		out += '/';
		const std::size_t at = out.size();
		const std::string_view part = raw.substr(0, raw.find('/'));
		if (const char *why = decode(part, out)) return why;
		raw.remove_prefix(part.size());
		const std::string_view plain = std::string_view(out).substr(at);
		if (plain == "." || plain == "..") return "a part of it is . or ..";
		parts.push_back({at, plain.size()});
	}
	return nullptr;
}

const char *decode_query(std::string_view raw, Pairs &out)
{
	out.clear();
	while (!raw.empty()) {
		const std::size_t end = raw.find('&');
		const std::string_view pair = raw.substr(0, end);
		raw = end == std::string_view::npos ? std::string_view() : raw.substr(end + 1);
		if (pair.empty()) continue;
		const std::size_t equals = pair.find('=');
		auto &[name, value] = out.emplace_back();
		if (const char *why = decode(pair.substr(0, equals), name, true)) return why;
		if (equals == std::string_view::npos) continue;
		if (const char *why = decode(pair.substr(equals + 1), value, true)) return why;
	}
	return nullptr;
}

} // namespace core::http
