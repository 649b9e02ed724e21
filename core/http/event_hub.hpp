// Topic changes to many clients at once: each change is put into text once, whoever looks gets it, whoever is slow gets the
// newest value of each topic and hears how many were left out.
#pragma once
#include "bus/topics.hpp"
#include "http/event_text.hpp"
#include "reactor/watch.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace core::http {

class EventClient;

/// Loop thread. Does not own the clients; outlives them.
class EventHub final {
public:
	EventHub(Reactor &reactor, Topics &topics, Scope &scope);
	~EventHub();
	EventHub(const EventHub &) = delete;
	EventHub &operator=(const EventHub &) = delete;

	static constexpr std::size_t most_waiting = 64 * 1024; // bytes on their way to one client
	static constexpr std::size_t low_water = 16 * 1024;    // resume() when what waits has fallen to this
	static constexpr std::size_t most_patterns = 32;       // of one client

	std::uint64_t sent = 0, missed = 0; // values, over all clients
	std::size_t clients = 0;

private:
	friend class EventClient;
	struct Group;
	using Text = std::shared_ptr<const std::string>; // shared by the clients that have not taken it whole

	/// A topic as it was delivered last. Shared with the clients that still have to get its value.
	struct Kept {
		std::string name;
		ValueRef value; // null: gone
		bool is_transient = false;
		std::vector<Group *> groups; // whose patterns match
		Text text[2];                // by Form, made when first asked for
		[[nodiscard]] const Text &as(Form form);
	};
	using KeptRef = std::shared_ptr<Kept>;
	struct Change {
		KeptRef topic;
		std::uint64_t seq;
		Text text;
		bool is_gone = false;
	};
	/// All clients with the same patterns and form.
	struct Group {
		Form form;
		std::vector<std::string> patterns; // sorted
		std::vector<EventClient *> clients;
		std::vector<Change> changes; // not begun
		std::vector<Change> going;   // on their way: clients before `next` have them
		std::string joined;          // `going` in one piece, where it is more than one
		std::size_t next = 0;
		[[nodiscard]] bool wants(std::string_view topic) const noexcept;
		/// Whether a change of the topic has yet to come to that client.
		[[nodiscard]] bool will_bring(const Kept &topic, std::size_t place) const noexcept;
	};
	/// Keeps the watch count of a pattern right, whoever many clients share it.
	struct Watch {
		Subscription *subscription;
		std::size_t users;
	};

	void on_value(const Topic &topic, const ValueRef &value) noexcept;
	void on_gone(const std::string &name);
	Group &group_of(Form form, const std::vector<std::string> &patterns);
	void leave(EventClient &client);
	void watch(const std::vector<std::string> &patterns);
	void unwatch(const std::vector<std::string> &patterns);
	void change(Group &group, Change change);
	void flush() noexcept;
	bool flush_some(Group &group, std::chrono::steady_clock::time_point until);

	Reactor &reactor;
	Topics &topics;
	Scope &scope;
	std::map<std::string, KeptRef, std::less<>> shelf;
	std::map<std::pair<Form, std::vector<std::string>>, std::unique_ptr<Group>> groups;
	std::map<std::string, Watch, std::less<>> watches;
	std::deque<Group *> dirty;  // with changes
	std::uint64_t last_seq = 0; // delivered
	bool is_scheduled = false;
	Timer again; // the rest of a long round
};

/// One client. A subclass knows where the bytes go, tells when there is room, and leaves by its destructor.
class EventClient {
public:
	EventClient(EventHub &hub, Form form);
	virtual ~EventClient();
	EventClient(const EventClient &) = delete;
	EventClient &operator=(const EventClient &) = delete;

	/// Another choice of topics (checked patterns; none: nothing). Kept values newer than `after` of those it did not have
	/// before come at once, in the order of their sequence.
	void choose(const std::vector<std::string> &patterns, std::uint64_t after = 0);
	[[nodiscard]] const std::vector<std::string> &patterns() const noexcept;
	/// There is room again: sends what was left waiting.
	void resume();
	/// Something of its own, in order with the rest; false: it is behind, nothing was sent.
	bool say(std::string_view bytes);

protected:
	virtual void write(std::string_view bytes) = 0; // must not call back
	[[nodiscard]] virtual std::size_t waiting() const = 0;

private:
	friend class EventHub;
	struct Place {
		EventHub::KeptRef topic;
		std::uint64_t seq;
	};
	/// What a client that is behind still has to get.
	struct Behind {
		std::vector<Place> topics; // their newest value; seq: that of the last change which came to the client
		std::vector<Place> ahead;  // got a value before the change that brings it: that change is left out
		std::uint64_t missed = 0;  // not told yet
		EventHub::Text cut;        // sent up to `at`
		std::size_t at = 0;
		[[nodiscard]] bool has_more() const noexcept { return !topics.empty() || cut || missed != 0; }
	};
	void take(const EventHub::Change &change);
	[[nodiscard]] bool is_ahead_of(const EventHub::Change &change);
	void fall_behind(const EventHub::Change &change);
	bool send_rest();
	bool send_missed();
	void send_newest(const Place &of);
	void count_missed(std::uint64_t n) noexcept
	{
		behind->missed += n;
		hub.missed += n;
	}
	[[nodiscard]] bool fits(std::size_t size) const { return waiting() + size <= EventHub::most_waiting; }

	EventHub &hub;
	EventHub::Group *group = nullptr;
	std::size_t place = 0;   // in the group
	std::uint64_t since = 0; // it has what was delivered up to here
	std::unique_ptr<Behind> behind;
	const Form form;
};

/// "a,b/*" → patterns, sorted; an error names the one that is none. Empty text: all topics.
[[nodiscard]] Result<std::vector<std::string>> parse_patterns(std::string_view text);

} // namespace core::http
