// GET events: topic changes as Server-Sent Events, and over a WebSocket at the same path.
//
//   GET events?topics=gps/*,kismet/link      → event: gps/fix ⏎ id: 42 ⏎ data: {…}
//   WS events     {"subscribe":["gps/*"]}    → {"topic":"gps/fix","seq":42,"value":{…}}
// Kept values come first, but none up to Last-Event-ID (or ?last_event_id=); a slow client gets the newest value of each topic
// and `lag`; a topic whose plugin has gone is told as `gone`.
#pragma once
#include "http/event_hub.hpp"
#include "http/request.hpp"
#include "metrics/metrics.hpp"

#include <vector>

namespace core::http {

class Router;

/// Owns the hub. Its clients own themselves and end with their connections, before it. Loop thread.
class Events final {
public:
	struct Needs {
		Reactor &reactor;
		Topics &topics;
		Router &router;
		Scope &scope;
		Metrics &metrics;
	};

	explicit Events(Needs needs);
	~Events();
	Events(const Events &) = delete;
	Events &operator=(const Events &) = delete;

private:
	class Client;
	class SseClient;
	class WsClient;
	void on_request(Request &request, const json_t *args) noexcept;
	void on_beat() noexcept;
	[[nodiscard]] std::uint64_t after_of(const Request &request, const json_t *args) const;

	Topics &topics;
	EventHub hub;
	std::vector<Client *> clients;
	std::size_t next = 0; // in the present beat
	std::uint64_t beats = 0;
	Timer beat; // one for all clients
};

} // namespace core::http
