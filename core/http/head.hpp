// A request's head: found, checked and taken apart into views. Pure functions on bytes; nothing of it knows sockets.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace core::http {

enum class Method : std::uint8_t { get, head, post, put, delete_, patch, options, other };

struct Header { std::string_view name, value; };

/// What is wrong with a request's framing. The reply's body says it, and the connection ends.
struct Refusal {
	int status = 400;
	std::string text;
	explicit operator bool() const noexcept { return !text.empty(); }
};

struct Limits {
	std::size_t line = 8192, head = 16384, headers = 100;
};

/// Views into the bytes that were parsed: valid as long as those.
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
	bool has_query = false;

	[[nodiscard]] bool has_body() const noexcept { return is_chunked || content_length != 0; }
	/// The first of that name, case-blind; nullptr where there is none.
	[[nodiscard]] const std::string_view *find(std::string_view name) const noexcept;
	[[nodiscard]] std::string_view get(std::string_view name) const noexcept;
};

/// Looks for the end of a head while its bytes come. Feed it all bytes so far each time; it remembers where it was.
class HeadEnd {
public:
	enum class State { more, found, refused };
	/// found: `size` bytes are the head, with its empty line. refused: `why`.
	State look(std::string_view bytes, const Limits &limits);
	void reset() noexcept { *this = {}; }
	std::size_t size = 0;
	Refusal why;

private:
	State refuse(int status, std::string text);
	std::size_t seen = 0, line_began = 0, lines = 0;
};

/// Takes a whole head apart. A refusal where it is not one that we serve; `head` is then unfinished.
[[nodiscard]] Refusal parse_head(std::string_view bytes, Head &head);

[[nodiscard]] bool equals_blind(std::string_view a, std::string_view b) noexcept;
/// Whether a comma-separated header value names `token`, case-blind.
[[nodiscard]] bool lists(std::string_view value, std::string_view token) noexcept;

} // namespace core::http
