// Takes chunked framing off a request body, piece by piece. Strict: no extensions, no trailers, CR LF everywhere.
#pragma once
#include <cstdint>
#include <string_view>

namespace core::http {

class Chunks {
public:
	/// What one look has found: `used` bytes are done with, of which `data` lie in the body.
	struct Piece {
		std::size_t used = 0;
		std::string_view data{};
		bool is_end = false;
		const char *why = nullptr; // what is wrong
	};
	/// Call until is_end, or until nothing is used: then more bytes are needed.
	[[nodiscard]] Piece take(std::string_view bytes) noexcept;

private:
	enum class State : std::uint8_t { size, size_lf, data, data_cr, data_lf, last_cr, last_lf } state = State::size;
	std::uint8_t digits = 0;
	std::uint64_t left = 0;
};

} // namespace core::http
