// One client of the WebSocket: its channels, and what it has missed where it is slow.
#pragma once
#include "feed.hpp"
#include "message.hpp"

#include <patchbay/websocket.hpp>

#include <cstdint>
#include <list>
#include <memory>
#include <string>

namespace webhook {

/// What a client may subscribe to, as bits.
enum Channel : unsigned { channel_status = 1, channel_devices = 2, channel_alerts = 4 };
struct ChannelName {
	const char *name;
	unsigned bit;
};
inline constexpr ChannelName channel_names[]{{"status", channel_status}, {"devices", channel_devices}, {"alerts", channel_alerts}};

class Client;

/// What a client asks of the one that has it.
class ClientOwner {
public:
	virtual void on_message(Client &client, std::string_view text) = 0;
	virtual void on_room(Client &client) = 0; // a slow client has caught up
	virtual void on_gone(Client &client) = 0; // deletes it

protected:
	~ClientOwner() = default;
};

/// Loop thread. What does not fit into its bounded buffer is counted, not kept.
class Client final {
public:
	Client(ClientOwner &owner, pb::Request &&request, std::string id);
	Client(const Client &) = delete;
	Client &operator=(const Client &) = delete;

	[[nodiscard]] bool is_open() const noexcept { return socket.is_open(); }
	/// True: it is on its way. False: there is no room, or the client is going.
	bool send(const std::string &text) { return socket.send(text); }
	/// A frame for many. devices: how many it speaks of; counted where there is no room.
	void send(const std::string &frame, FeedKind kind, std::size_t devices);
	/// As if there had been no room.
	void miss(FeedKind kind, std::size_t devices);
	void close(std::uint16_t code, std::string_view reason) { socket.close(code, reason); }
	void tick() { socket.tick(); }

	/// What it has not been sent, since it was too slow. Taken when it has room again.
	struct Missed {
		std::uint64_t devices = 0, messages = 0; // messages: alerts and script events
		bool has_status = false;
	};
	[[nodiscard]] Missed take_missed();
	[[nodiscard]] bool is_behind() const noexcept { return missed != nullptr; }

	const std::string id;
	unsigned channels = 0;
	std::size_t place = 0;                     // in the owner's table
	std::uint64_t since = 0;                   // events up to this one are not for it
	unsigned asking = 0;                       // requestStatus that wait
	std::chrono::steady_clock::time_point due; // of its next ping
	std::list<Client *>::iterator turn;        // in the owner's line for pings

private:
	[[nodiscard]] pb::WebSocket::Options options();
	void on_text(std::string_view text) noexcept { owner.on_message(*this, text); }
	void on_drain() noexcept
	{
		if (missed) owner.on_room(*this);
	}
	void on_close() noexcept { owner.on_gone(*this); }

	ClientOwner &owner;
	std::unique_ptr<Missed> missed;
	pb::WebSocket socket; // last: its end calls nothing
};

} // namespace webhook
