#include "broadcast.hpp"

#include <chrono>

namespace webhook {

namespace {
using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds most_at_once{5}; // then others have their turn
constexpr std::size_t clients_a_look = 32;           // at the clock
constexpr std::size_t most_queued = 1024;
} // namespace

Broadcast::Broadcast(pb::Scope &scope) : turn(scope, pb::bind<&Broadcast::on_turn>(this)) {}

void Broadcast::add(Client &client)
{
	client.place = clients.size();
	client.since = count;
	clients.push_back(&client);
}

/// The hole is filled so that no client misses the frame that is under way, or has it twice.
void Broadcast::remove(Client &client)
{
	std::size_t hole = client.place;
	const auto move = [this](std::size_t from, std::size_t to) {
		if (from == to) return;
		clients[to] = clients[from];
		clients[to]->place = to;
	};
	if (hole < next) {
		move(--next, hole);
		hole = next;
	}
	move(clients.size() - 1, hole);
	clients.pop_back();
	if (clients.empty()) {
		queue.clear();
		next = 0;
		turn.stop();
	}
}

void Broadcast::send(Frame frame, unsigned channel, FeedKind kind, std::size_t devices)
{
	if (clients.empty()) return;
	Item item{std::move(frame), channel, kind, devices, ++count};
	if (kind == feed_status)
		for (std::size_t i = 1; i < queue.size(); ++i)
			if (queue[i].kind == kind) {
				queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(i));
				break;
			}
	if (queue.size() >= most_queued) { // the loop is far behind: all are told how much they miss
		for (Client *c : clients)
			if ((c->channels & channel) != 0) c->miss(kind, devices);
		return;
	}
	queue.push_back(std::move(item));
	if (queue.size() == 1) {
		next = 0;
		turn.once(std::chrono::milliseconds(0));
	}
}

void Broadcast::on_turn() noexcept
{
	const auto until = Clock::now() + most_at_once;
	std::size_t looked = 0;
	while (!queue.empty()) {
		const Item item = queue.front();
		while (next < clients.size()) {
			Client &c = *clients[next++];
			if ((c.channels & item.channel) != 0 && c.since < item.number) c.send(*item.frame, item.kind, item.devices); // may remove it
			if (++looked % clients_a_look == 0 && Clock::now() > until) {
				turn.once(std::chrono::milliseconds(0));
				return;
			}
		}
		if (!queue.empty()) queue.pop_front();
		next = 0;
	}
}

} // namespace webhook
