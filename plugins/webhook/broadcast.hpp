// Hands frames to many clients, a bounded piece of work at a time.
#pragma once
#include "client.hpp"

#include <patchbay/patchbay.hpp>

#include <deque>
#include <vector>

namespace webhook {

/// Knows all clients, owns none. Loop thread.
class Broadcast final {
public:
	explicit Broadcast(pb::Scope &scope);

	void add(Client &client);
	void remove(Client &client);
	[[nodiscard]] const std::vector<Client *> &all() const noexcept { return clients; }

	/// devices: how many devices it speaks of. A status replaces one that nobody has had yet.
	void send(Frame frame, unsigned channel, FeedKind kind, std::size_t devices = 0);
	[[nodiscard]] std::uint64_t last() const noexcept { return count; }

private:
	struct Item {
		Frame frame;
		unsigned channel;
		FeedKind kind;
		std::size_t devices;
		std::uint64_t number;
	};
	void on_turn() noexcept;

	std::vector<Client *> clients;
	std::deque<Item> queue; // the first one is under way
	std::size_t next = 0;   // client that gets it next
	std::uint64_t count = 0;
	pb::Timer turn;
};

} // namespace webhook
