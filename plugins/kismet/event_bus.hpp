// Kismet's event bus: a WebSocket client by libwslay. What it says comes as text; nothing of it is parsed here.
//
//   → GET /eventbus/events.ws?user=…&password=… (Upgrade: websocket)      ← 101
//   → {"SUBSCRIBE":"NEW_DEVICE"} …                                        ← {"NEW_DEVICE":{…}} …
#pragma once
#include <patchbay/patchbay.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct bufferevent;
struct wslay_event_context;

namespace kismet {

/// Loop thread. Its callbacks come from the loop's own turn and may do anything with it.
class EventBus {
public:
	enum class State { off, connecting, up };
	struct End {
		int status = 0;   // what it answered instead of 101; 0: it did not
		std::string text; // for people
	};

	EventBus(pb::Scope &scope, pb::Bound<> on_up, pb::Bound<std::string_view> on_event, pb::Bound<const End &> on_end);
	EventBus(const EventBus &) = delete;
	EventBus &operator=(const EventBus &) = delete;
	~EventBus() { close(); }

	/// address: literal. path: with query; it may hold a password, and is wiped once it has been sent.
	void connect(const std::string &address, std::uint16_t port, const std::string &authority, std::string path, const std::string &authorization);
	/// Without on_end.
	void close() noexcept;
	[[nodiscard]] State state() const noexcept { return now; }

	/// Pure: is this the head of a 101 that answers `key`? Else `end` says why not.
	[[nodiscard]] static bool is_upgrade(std::string_view head, const std::string &key, End &end);

private:
	struct Calls; // libevent's and wslay's C callbacks
	friend struct Calls;
	struct FreeContext {
		void operator()(wslay_event_context *c) const noexcept;
	};

	void read() noexcept;
	void read_head();
	void begin();
	void read_frames() noexcept;
	void say(std::string_view text) noexcept;
	void flush() noexcept;
	void fail(int status, std::string text) noexcept;
	void on_timer() noexcept;
	void on_failed() noexcept;

	pb::Scope &scope;
	const pb::Bound<> on_up;
	const pb::Bound<std::string_view> on_event;
	const pb::Bound<const End &> on_end;
	State now = State::off;
	bufferevent *stream = nullptr;
	std::unique_ptr<wslay_event_context, FreeContext> frames;
	std::string request, key, head;
	End end;
	bool is_pinged = false, has_failed = false;
	pb::Timer timer, failed;
};

} // namespace kismet
