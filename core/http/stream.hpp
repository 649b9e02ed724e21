// A streamed answer, or the two-way bytes of an upgraded connection, with a bounded buffer.
#pragma once
#include "host/scope.hpp"

#include <patchbay/http.h>

#include <cstdint>
#include <string_view>

namespace core::http {

class Connection;
class Engine;

/// Owned by its connection. Valid until end(), or until on_close has been called. Loop thread.
class Stream final {
public:
	enum class Framing : std::uint8_t { raw, chunked, counted, none }; // none: HEAD, or a status without a body

	Stream(Engine &engine, Connection &connection, Scope *scope, const pb_stream_events &events, void *self, Framing framing, std::uint64_t length);
	~Stream();
	Stream(const Stream &) = delete;
	Stream &operator=(const Stream &) = delete;

	/// Copied; returns how many bytes wait now. Past the limit the stream closes: on_close comes later.
	std::size_t write(std::string_view data);
	[[nodiscard]] std::size_t buffered() const noexcept;
	/// Sends what waits, then ends. This is gone after it.
	void end();
	[[nodiscard]] pb_stream *handle() const noexcept { return reinterpret_cast<pb_stream *>(token); }
	/// What a handle stands for; nullptr once it has ended.
	[[nodiscard]] static Stream *find(const pb_stream *handle) noexcept;
	[[nodiscard]] Scope *scope() const noexcept { return owner; }

	// ---- of Connection and Engine
	void drained();
	void data(std::string_view bytes);
	/// The client has left or the daemon stops: the owner is told, once.
	void closed();
	/// The owner ends: it is not called any more.
	void forget() noexcept;

private:
	Engine &engine;
	Connection &connection;
	Scope *owner;
	pb_stream_events events{};
	void *self;
	std::uint64_t left; // counted: bytes that may still come
	std::uintptr_t token;
	Framing framing;
	bool is_above = false, is_broken = false;
};

} // namespace core::http
