// What happens, in the contract's words, for whoever wants to hear of it: sockets, outgoing webhooks.
#pragma once
#include <patchbay/patchbay.hpp>

#include <vector>

namespace webhook {

/// Kinds of events; a listener wants some of them.
enum FeedKind : unsigned {
	feed_status = 1,    // statusUpdate {script: "all", status}: every 5 s and on every change
	feed_scripts = 2,   // scriptEvent {script, action: started stopped exited failed, details}
	feed_devices = 4,   // newDevice {mac, type, signal, timestamp}: each device that comes, as fast as they come
	feed_alerts = 8,    // alert {id, type, severity, message}
	feed_incidents = 16 // incident {id, class, topic, state, …}: of recovery; {class, message, …}: of netif
};

struct FeedEvent {
	FeedKind kind;
	const char *name; // "statusUpdate"
	const json_t *data;
};

/// Hands events on, at once. Does not make them. Loop thread.
class Feed final {
public:
	/// A listener, from its making to its end. It may not come or go from within on_event.
	class Seat final {
	public:
		Seat(Feed &feed_, pb::Bound<const FeedEvent &> on_event_);
		~Seat();
		Seat(const Seat &) = delete;
		Seat &operator=(const Seat &) = delete;
		/// A sum of FeedKind; 0: nothing. What nobody wants is not made.
		void want(unsigned kinds);

	private:
		friend class Feed;
		Feed &feed;
		pb::Bound<const FeedEvent &> on_event;
		unsigned wanted = 0;
	};

	/// on_wanted: told of the sum of what is wanted, when it changes.
	void on_wanted(pb::Bound<unsigned> sink) { sinks.push_back(sink); }
	[[nodiscard]] unsigned wanted() const noexcept { return sum; }
	void tell(FeedKind kind, const char *name, const pb::Json &data) noexcept;

private:
	void count();
	std::vector<Seat *> seats;
	std::vector<pb::Bound<unsigned>> sinks;
	unsigned sum = 0;
};

} // namespace webhook
