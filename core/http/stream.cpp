#include "http/stream.hpp"

#include "http/connection.hpp"
#include "http/engine.hpp"
#include "http/handles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace core::http {

namespace {
constexpr std::size_t usual_buffer = 1 << 20;
thread_local Handles<Stream> handles; // as for requests
} // namespace

Stream::Stream(Engine &engine_, Connection &connection_, Scope *scope_, const pb_stream_events &events_, void *self_, Framing framing_, std::uint64_t length)
	: engine(engine_), connection(connection_), owner(scope_), self(self_), left(length), token(handles.add(*this)), framing(framing_)
{
	std::memcpy(&events, &events_, std::min<std::size_t>(events_.struct_size, sizeof events)); // an older plugin's ends earlier
	if (events.max_buffer == 0) events.max_buffer = usual_buffer;
}

Stream *Stream::find(const pb_stream *handle) noexcept { return handles.find(reinterpret_cast<std::uintptr_t>(handle)); }

Stream::~Stream() { handles.drop(token); }

std::size_t Stream::buffered() const noexcept { return connection.waiting(); }

std::size_t Stream::write(std::string_view data)
{
	if (is_broken) return events.max_buffer + 1; // more than may wait: who writes until enough waits stops here
	if (framing == Framing::none || data.empty()) return connection.waiting();
	if (framing == Framing::counted) {
		data = data.substr(0, left);
		left -= data.size();
	}
	if (connection.waiting() + data.size() > events.max_buffer) {
		is_broken = true;
		connection.close_later();
		return events.max_buffer + 1;
	}
	bool is_whole = false;
	if (framing == Framing::chunked) {
		char line[20];
		const auto end = fmt::format_to(line, "{:x}\r\n", data.size());
		is_whole = connection.write({{line, static_cast<std::size_t>(end - line)}, data, "\r\n"});
	} else {
		is_whole = connection.write({data});
	}
	is_broken = !is_whole; // on_close follows
	if (is_broken) return events.max_buffer + 1;
	const std::size_t waits = connection.waiting();
	is_above = is_above || waits > events.low_buffer;
	return waits;
}

void Stream::end()
{
	if (framing == Framing::chunked && !is_broken) connection.write({"0\r\n\r\n"});
	connection.stream_ended(!is_broken && (framing != Framing::counted || left == 0));
}

void Stream::drained()
{
	if (connection.waiting() > events.low_buffer || !is_above) return;
	is_above = false;
	if (!events.on_drain) return;
	const Charge charge(engine.needs.reactor, owner ? owner->account : engine.needs.reactor.core);
	events.on_drain(self);
}

void Stream::data(std::string_view bytes)
{
	if (!events.on_data) return;
	const Charge charge(engine.needs.reactor, owner ? owner->account : engine.needs.reactor.core);
	events.on_data(self, bytes.data(), bytes.size());
}

void Stream::closed()
{
	handles.drop(token);
	const auto told = std::exchange(events.on_close, nullptr);
	forget();
	if (!told) return;
	const Charge charge(engine.needs.reactor, owner ? owner->account : engine.needs.reactor.core);
	told(self);
}

void Stream::forget() noexcept
{
	handles.drop(token);
	events.on_close = nullptr;
	events.on_drain = nullptr;
	events.on_data = nullptr;
}

} // namespace core::http
