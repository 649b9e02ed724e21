#include "http/head.hpp"

#include "http/decode.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>

namespace core::http {

namespace {
constexpr bool is_token_char(unsigned char c) noexcept
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		   (c != 0 && std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos);
}
enum : std::uint8_t { token = 1, value_char = 2, host_char = 4, target_char = 8 };
constexpr auto classes = [] {
	std::array<std::uint8_t, 256> out{};
	for (unsigned c = 0; c < 256; ++c) {
		std::uint8_t bits = is_token_char(static_cast<unsigned char>(c)) ? token : 0;
		if (c == '\t' || (c >= ' ' && c != 0x7f)) bits |= value_char;
		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_' || c == ':' || c == '[' ||
			c == ']' || c == '%')
			bits |= host_char;
		if (c > ' ' && c != 0x7f && c != '#') bits |= target_char;
		out[c] = bits;
	}
	return out;
}();

bool all(std::string_view text, std::uint8_t what) noexcept
{
	for (const char c : text)
		if ((classes[static_cast<unsigned char>(c)] & what) == 0) return false;
	return true;
}

std::string_view trim(std::string_view v) noexcept
{
	while (!v.empty() && (v.front() == ' ' || v.front() == '\t')) v.remove_prefix(1);
	while (!v.empty() && (v.back() == ' ' || v.back() == '\t')) v.remove_suffix(1);
	return v;
}

Method method_of(std::string_view name) noexcept
{
	switch (name.size()) {
	case 3: return name == "GET" ? Method::get : name == "PUT" ? Method::put : Method::other;
	case 4: return name == "POST" ? Method::post : name == "HEAD" ? Method::head : Method::other;
	case 5: return name == "PATCH" ? Method::patch : Method::other;
	case 6: return name == "DELETE" ? Method::delete_ : Method::other;
	case 7: return name == "OPTIONS" ? Method::options : Method::other;
	default: return Method::other;
	}
}

/// What one head says about its framing, while its headers are read.
struct Framing {
	bool has_host = false, has_close = false, has_keep_alive = false, has_coding = false;
	Refusal why;
};

Refusal read_method(Head &head)
{
	const std::string_view name = head.method_name;
	if (name.empty() || !all(name, token)) return {400, "the request line does not begin with a method"};
	if (name.size() > 32) return {501, "no method has so long a name"};
	for (const char c : name)
		if (c >= 'a' && c <= 'z') return {501, fmt::format("method {}: not known; methods are written in capitals", name)};
	head.method = method_of(name);
	if (name == "CONNECT" || name == "TRACE") return {405, fmt::format("method {} is not served here", name)};
	return {};
}

Refusal read_target(Head &head)
{
	std::string_view t = head.target;
	if (!all(t, target_char))
		return {400, t.find('#') != std::string_view::npos ? "the request target holds a '#'" : "the request target holds a blank or a control character"};
	if (!is_utf8(t)) return {400, "the request target is not UTF-8"};
	if (t == "*") {
		if (head.method != Method::options) return {400, "the target * belongs to OPTIONS alone"};
		head.path = t;
		return {};
	}
	if (t.front() != '/') {
		const std::size_t scheme = t.size() >= 7 && equals_blind(t.substr(0, 7), "http://")    ? 7
								   : t.size() >= 8 && equals_blind(t.substr(0, 8), "https://") ? 8
																							   : 0;
		if (scheme == 0) return {400, "the request target is neither a path nor an http URL"};
		t.remove_prefix(scheme);
		head.host = t.substr(0, t.find_first_of("/?"));
		if (head.host.empty() || !all(head.host, host_char)) return {400, "the request target's host is malformed"};
		t.remove_prefix(head.host.size());
	}
	const std::size_t mark = t.find('?');
	head.path = t.substr(0, mark);
	if (head.path.empty()) head.path = "/";
	if (mark != std::string_view::npos) head.query = t.substr(mark + 1);
	char before = 0;
	for (const char c : head.path) {
		if (c == '%' || (before == '/' && (c == '.' || c == '/')) || static_cast<unsigned char>(c) >= 0x80) head.is_plain = false;
		before = c;
	}
	return {};
}

Refusal read_line(std::string_view line, Head &head)
{
	const std::size_t a = line.find(' ');
	head.method_name = line.substr(0, a);
	if (a == std::string_view::npos) return {400, "the request line is none: a method, a target and a version"};
	if (Refusal why = read_method(head)) return why;
	const std::size_t b = line.find(' ', a + 1);
	head.target = line.substr(a + 1, b == std::string_view::npos ? b : b - a - 1);
	if (head.target.empty()) return {400, "the request line has no target; one blank stands between its parts"};
	if (b == std::string_view::npos) return {505, "the request line names no version; HTTP/1.1 and HTTP/1.0 are spoken here"};
	const std::string_view version = line.substr(b + 1);
	const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
	if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) || version[6] != '.' || !is_digit(version[7]))
		return {400, "the request line does not end in a version; HTTP/1.1 and HTTP/1.0 are spoken here"};
	if (version != "HTTP/1.1" && version != "HTTP/1.0") return {505, fmt::format("{} is not spoken here; HTTP/1.1 and HTTP/1.0 are", version)};
	head.is_1_0 = version == "HTTP/1.0";
	return read_target(head);
}

Refusal read_length(std::string_view value, Head &head)
{
	if (head.has_length) return {400, "two Content-Length headers"};
	if (!parse_length(value, head.content_length)) return {400, "Content-Length is not a plain decimal number"};
	head.has_length = true;
	return {};
}

Refusal read_coding(std::string_view value, Head &head, Framing &f)
{
	if (f.has_coding) return {400, "two Transfer-Encoding headers"};
	f.has_coding = true;
	if (head.is_1_0) return {400, "Transfer-Encoding in an HTTP/1.0 request"};
	if (!equals_blind(value, "chunked")) return {501, "a Transfer-Encoding other than chunked"};
	head.is_chunked = true;
	return {};
}

/// The headers that decide on framing and connection; all others are just kept.
Refusal read_known(const Header &h, Head &head, Framing &f)
{
	switch (h.name.size()) {
	case 4:
		if (!equals_blind(h.name, "host")) return {};
		if (f.has_host) return {400, "two Host headers"};
		f.has_host = true;
		if (!all(h.value, host_char)) return {400, "the Host header is malformed"};
		if (head.host.empty()) head.host = h.value;
		return {};
	case 6:
		if (!equals_blind(h.name, "expect") || head.is_1_0) return {};
		if (!equals_blind(h.value, "100-continue")) return {417, "an expectation other than 100-continue"};
		head.expects_continue = true;
		return {};
	case 10:
		if (!equals_blind(h.name, "connection")) return {};
		f.has_close = f.has_close || lists(h.value, "close");
		f.has_keep_alive = f.has_keep_alive || lists(h.value, "keep-alive");
		return {};
	case 14: return equals_blind(h.name, "content-length") ? read_length(h.value, head) : Refusal{};
	case 17: return equals_blind(h.name, "transfer-encoding") ? read_coding(h.value, head, f) : Refusal{};
	default: return {};
	}
}

Refusal read_header(std::string_view line, Header &h)
{
	if (line.front() == ' ' || line.front() == '\t') return {400, "a header line is folded"};
	const std::size_t colon = line.find(':');
	if (colon == std::string_view::npos) return {400, "a header line has no colon"};
	h.name = line.substr(0, colon);
	if (h.name.empty() || !all(h.name, token)) return {400, "a header's name is malformed; no blank may stand before its colon"};
	h.value = trim(line.substr(colon + 1));
	if (!all(h.value, value_char)) return {400, fmt::format("header {} holds a control character", h.name)};
	return {};
}
} // namespace

bool is_header_name(std::string_view name) noexcept { return !name.empty() && all(name, token); }
bool is_header_value(std::string_view value) noexcept { return all(value, value_char); }

bool parse_length(std::string_view text, std::uint64_t &out) noexcept
{
	if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string_view::npos) return false;
	out = 0;
	for (const char c : text) out = out * 10 + static_cast<unsigned>(c - '0');
	return true;
}

bool equals_blind(std::string_view a, std::string_view b) noexcept
{
	return a.size() == b.size() && (a.empty() || strncasecmp(a.data(), b.data(), a.size()) == 0);
}

bool lists(std::string_view value, std::string_view what) noexcept
{
	while (!value.empty()) {
		const std::size_t comma = value.find(',');
		if (equals_blind(trim(value.substr(0, comma)), what)) return true;
		value = comma == std::string_view::npos ? std::string_view() : value.substr(comma + 1);
	}
	return false;
}

const std::string_view *Head::find(std::string_view name) const noexcept
{
	for (const Header &h : headers)
		if (equals_blind(h.name, name)) return &h.value;
	return nullptr;
}

std::string_view Head::get(std::string_view name) const noexcept
{
	const std::string_view *v = find(name);
	return v ? *v : std::string_view();
}

void Head::clear() noexcept
{
	auto kept = std::move(headers); // its memory
	kept.clear();
	*this = {};
	headers = std::move(kept);
}

HeadEnd::State HeadEnd::refuse(int status, const char *text)
{
	why = {status, text};
	return State::refused;
}

HeadEnd::State HeadEnd::look(std::string_view bytes, const Limits &limits)
{
	if (seen == 0 && !bytes.empty() && (classes[static_cast<unsigned char>(bytes.front())] & token) == 0)
		return refuse(400, bytes.front() == 0x16 ? "this is TLS, and the port speaks plain HTTP" : "this does not begin like an HTTP request");
	while (const void *found = seen < bytes.size() ? std::memchr(bytes.data() + seen, '\n', bytes.size() - seen) : nullptr) {
		const auto at = static_cast<std::size_t>(static_cast<const char *>(found) - bytes.data());
		if (at == line_began || bytes[at - 1] != '\r') return refuse(400, "a line ends in LF alone, not in CR LF");
		if (lines == 0 && at - 1 > limits.line) break;
		if (at + 1 > limits.head) break;
		seen = at + 1;
		if (at == line_began + 1 && lines != 0) {
			size = seen;
			return State::found;
		}
		line_began = seen;
		if (++lines > limits.headers + 1) return refuse(431, "more than 100 header lines");
	}
	if (lines == 0 && bytes.size() > limits.line) return refuse(414, "the request line is longer than 8 KiB");
	if (bytes.size() > limits.head) return refuse(431, "the headers are larger than 16 KiB");
	seen = bytes.size();
	return State::more;
}

Refusal parse_head(std::string &bytes, Head &head)
{
	std::string_view rest = bytes;
	Framing f;
	const auto take = [&rest] {
		const std::size_t end = rest.find("\r\n");
		const std::string_view line = rest.substr(0, end);
		rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
		return line;
	};
	const auto end_here = [&bytes](std::string_view part) { bytes[static_cast<std::size_t>(part.data() - bytes.data()) + part.size()] = '\0'; };
	if (Refusal why = read_line(take(), head)) return why;
	for (std::string_view line = take(); !line.empty(); line = take()) {
		Header h;
		if (Refusal why = read_header(line, h)) return why;
		if (Refusal why = read_known(h, head, f)) return why;
		end_here(h.name);
		end_here(h.value);
		head.headers.push_back(h);
	}
	end_here(head.method_name);
	end_here(head.target);
	if (head.is_chunked && head.has_length) return {400, "both Content-Length and Transfer-Encoding"};
	if (!head.is_1_0 && !f.has_host) return {400, "an HTTP/1.1 request without a Host header"};
	head.is_keep_alive = !f.has_close && (!head.is_1_0 || f.has_keep_alive);
	return {};
}

} // namespace core::http
