// How a value of a topic, and what is left out, look on the wire: as a Server-Sent Event, or as a WebSocket message.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace core::http {

enum class Form : std::uint8_t { sse, ws };

/// Bytes after which a text may be cut, also in the midst of a WebSocket message: its fragments are that long.
inline constexpr std::size_t piece_size = 16 * 1024 + 4;

/// json: one value; line breaks in it do no harm.
[[nodiscard]] std::string event_text(Form form, std::string_view topic, std::uint64_t seq, std::string_view json);
/// Values that were left out for a client that reads too slowly.
[[nodiscard]] std::string lag_text(Form form, std::uint64_t missed);
/// A topic whose plugin has gone.
[[nodiscard]] std::string gone_text(Form form, std::string_view topic);
/// Something for a WebSocket client alone.
[[nodiscard]] std::string ws_message(std::string_view json);

} // namespace core::http
