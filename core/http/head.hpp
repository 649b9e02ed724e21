// A request's head: found, checked and taken apart into views. Pure functions on bytes; nothing here knows sockets.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace core::http {

enum class Method : std::uint8_t { get, head, post, put, delete_, patch, options, other };

struct Header {
	std::string_view name, value;
};

/// What is wrong with a request's framing: the reply's body says it, and the connection ends. Empty text: nothing.
struct Refusal {
	int status = 400;
	std::string text{};
	explicit operator bool() const noexcept { return !text.empty(); }
};

struct Limits {
	std::size_t line = 8192, head = 16384, headers = 100;
};

/// Views into the bytes that were parsed, each followed by NUL there but for the parts of the target.
struct Head {
	Method method = Method::other;
	std::string_view method_name, target; // as sent
	std::string_view path, query;         // of the target, still encoded; query without its '?'
	std::string_view host;                // of an absolute target, else of Host; "" where HTTP/1.0 sent none
	std::vector<Header> headers;          // in order
	std::uint64_t content_length = 0;
	bool has_length = false;
	bool is_chunked = false;
	bool is_1_0 = false;
	bool is_keep_alive = true;
	bool expects_continue = false;
	bool is_plain = true; // the path means itself: nothing encoded, no dots or empty parts to look at

	[[nodiscard]] bool has_body() const noexcept { return is_chunked || content_length != 0; }
	/// The first of that name, case-blind; nullptr where there is none.
	[[nodiscard]] const std::string_view *find(std::string_view name) const noexcept;
	/// The same; "" where there is none.
	[[nodiscard]] std::string_view get(std::string_view name) const noexcept;
	void clear() noexcept;
};

/// Looks for the end of a head while its bytes come. Give it all bytes so far each time: it remembers how far it was.
class HeadEnd {
public:
	enum class State { more, found, refused };
	State look(std::string_view bytes, const Limits &limits);
	std::size_t size = 0; // found: of the head with its empty line
	Refusal why;          // refused

private:
	State refuse(int status, const char *text);
	std::size_t seen = 0, line_began = 0, lines = 0;
};

/// Takes a whole head apart and puts a NUL behind each name and value. A refusal where it is none that we serve; `head` is
/// then unfinished.
[[nodiscard]] Refusal parse_head(std::string &bytes, Head &head);

[[nodiscard]] bool is_header_name(std::string_view name) noexcept;
/// No CR, LF, NUL or other control character.
[[nodiscard]] bool is_header_value(std::string_view value) noexcept;
/// A plain decimal number of up to 18 digits.
[[nodiscard]] bool parse_length(std::string_view text, std::uint64_t &out) noexcept;
[[nodiscard]] bool equals_blind(std::string_view a, std::string_view b) noexcept;
/// Whether a comma-separated header value names `token`, case-blind.
[[nodiscard]] bool lists(std::string_view value, std::string_view token) noexcept;

} // namespace core::http
