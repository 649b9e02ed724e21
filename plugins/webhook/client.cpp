#include "client.hpp"

namespace webhook {

namespace {
constexpr std::size_t most_queued = 112 * 1024, low_queue = 8 * 1024, most_message = 64 * 1024;
}

pb::WebSocket::Options Client::options()
{
	pb::WebSocket::Options o;
	o.max_message = most_message;
	o.max_queue = most_queued;
	o.low_queue = low_queue;
	o.on_text = pb::bind<&Client::on_text>(this);
	o.on_drain = pb::bind<&Client::on_drain>(this);
	o.on_close = pb::bind<&Client::on_close>(this);
	return o;
}

Client::Client(ClientOwner &owner_, pb::Request &&request, std::string id_) : id(std::move(id_)), owner(owner_), socket(std::move(request), options()) {}

void Client::send(const std::string &frame, FeedKind kind, std::size_t devices)
{
	if (!socket.is_open()) return;
	if (missed || socket.buffered() + frame.size() > most_queued) return miss(kind, devices);
	socket.write_frames(frame);
}

void Client::miss(FeedKind kind, std::size_t devices)
{
	if (!missed) missed = std::make_unique<Missed>();
	if (kind == feed_devices) missed->devices += devices;
	else if (kind == feed_status) missed->has_status = true;
	else ++missed->messages;
}

Client::Missed Client::take_missed()
{
	const std::unique_ptr<Missed> taken = std::move(missed);
	return taken ? *taken : Missed{};
}

} // namespace webhook
