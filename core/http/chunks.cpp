#include "http/chunks.hpp"

#include <algorithm>

namespace core::http {

namespace {
int digit(char c) noexcept
{
	if (c >= '0' && c <= '9') return c - '0';
	const char low = static_cast<char>(c | 0x20);
	return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}
} // namespace

Chunks::Piece Chunks::take(std::string_view bytes) noexcept
{
	Piece out;
	const auto wrong = [&out](const char *why) {
		out.why = why;
		return out;
	};
	while (out.used < bytes.size()) {
		const char c = bytes[out.used];
		switch (state) {
		case State::size:
			if (const int d = digit(c); d >= 0) {
				if (++digits > 8) return wrong("a chunk's size has more than 8 digits");
				left = left * 16 + static_cast<unsigned>(d);
			} else if (c == '\r' && digits != 0) {
				state = State::size_lf;
			} else {
				return wrong(c == ';' ? "chunk extensions are not taken" : "a chunk's size is not a hexadecimal number and CR LF");
			}
			break;
		case State::size_lf:
			if (c != '\n') return wrong("a chunk's size does not end in CR LF");
			digits = 0;
			state = left != 0 ? State::data : State::last_cr;
			break;
		case State::data: {
			const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size() - out.used));
			out.data = bytes.substr(out.used, n);
			out.used += n;
			left -= n;
			if (left == 0) state = State::data_cr;
			return out;
		}
		case State::data_cr:
			if (c != '\r') return wrong("a chunk is longer than its size says");
			state = State::data_lf;
			break;
		case State::data_lf:
			if (c != '\n') return wrong("a chunk does not end in CR LF");
			state = State::size;
			break;
		case State::last_cr:
			if (c != '\r') return wrong("trailers after the last chunk are not taken");
			state = State::last_lf;
			break;
		case State::last_lf:
			if (c != '\n') return wrong("the last chunk does not end in CR LF");
			++out.used;
			out.is_end = true;
			return out;
		}
		++out.used;
	}
	return out;
}

} // namespace core::http
