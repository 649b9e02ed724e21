#include "feed.hpp"

namespace webhook {

Feed::Seat::Seat(Feed &feed_, pb::Bound<const FeedEvent &> on_event_) : feed(feed_), on_event(on_event_) { feed.seats.push_back(this); }

Feed::Seat::~Seat()
{
	std::erase(feed.seats, this);
	feed.count();
}

void Feed::Seat::want(unsigned kinds)
{
	if (wanted == kinds) return;
	wanted = kinds;
	feed.count();
}

void Feed::count()
{
	unsigned next = 0;
	for (const Seat *s : seats) next |= s->wanted;
	if (next == sum) return;
	sum = next;
	for (const auto &sink : sinks) sink(sum);
}

void Feed::tell(FeedKind kind, const char *name, const pb::Json &data) noexcept
{
	const FeedEvent event{kind, name, data.get()};
	for (const Seat *s : seats)
		if ((s->wanted & kind) != 0) s->on_event(event);
}

} // namespace webhook
