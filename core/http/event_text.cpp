#include "http/event_text.hpp"

#include <fmt/format.h>
#include <patchbay/websocket.hpp>

namespace core::http {

namespace {
using pb::WebSocket;
constexpr std::size_t fragment_size = piece_size - 4; // a header of four bytes before each

/// A line break would end the field: each line gets its own.
void append_data(std::string &out, std::string_view text)
{
	for (std::size_t at = 0;;) {
		const std::size_t end = text.find_first_of("\r\n", at);
		out += "data: ";
		out += text.substr(at, end == std::string_view::npos ? end : end - at);
		out += '\n';
		if (end == std::string_view::npos) return;
		at = end + (text.substr(end, 2) == "\r\n" ? 2 : 1);
	}
}
} // namespace

std::string ws_message(std::string_view json)
{
	std::string out;
	out.reserve(json.size() + 16);
	auto opcode = WebSocket::text;
	while (json.size() > fragment_size) {
		WebSocket::append_frame(out, opcode, json.substr(0, fragment_size), false);
		json.remove_prefix(fragment_size);
		opcode = WebSocket::continuation;
	}
	WebSocket::append_frame(out, opcode, json);
	return out;
}

std::string event_text(Form form, std::string_view topic, std::uint64_t seq, std::string_view json)
{
	if (form == Form::ws) return ws_message(fmt::format(R"({{"topic":"{}","seq":{},"value":{}}})", topic, seq, json)); // names need no escapes
	std::string out = fmt::format("event: {}\nid: {}\n", topic, seq);
	out.reserve(out.size() + json.size() + 8);
	append_data(out, json);
	out += '\n';
	return out;
}

std::string lag_text(Form form, std::uint64_t missed)
{
	if (form == Form::ws) return ws_message(fmt::format(R"({{"lag":{{"missed":{}}}}})", missed));
	return fmt::format("event: lag\ndata: {{\"missed\":{}}}\n\n", missed);
}

std::string gone_text(Form form, std::string_view topic)
{
	if (form == Form::ws) return ws_message(fmt::format(R"({{"gone":"{}"}})", topic));
	return fmt::format("event: gone\ndata: {{\"topic\":\"{}\"}}\n\n", topic);
}

} // namespace core::http
