// What waits for one webhook: a journal in the daemon's state, of which a few entries are at hand.
//
// An entry is there once its append is committed, and goes once it has been delivered or buried. Between a delivery and the
// commit of its going a kill -9 brings it back: a receiver may see it twice (the same id), never not at all.
#pragma once
#include <patchbay/patchbay.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace webhook::outgoing {

struct Entry {
	std::int64_t id;
	std::string event, body; // body: as it is sent, each time the same bytes
};

/// Bounded in entries and bytes; past them nothing is taken. Loop thread.
class Queue final {
public:
	struct Limits {
		std::size_t entries, bytes;
	};
	using Taken = std::function<void(bool is_committed)>;

	/// on_ready: there may be a head now.
	Queue(pb::Scope &scope, int slot, Limits limits, pb::Bound<> on_ready);
	Queue(const Queue &) = delete;
	Queue &operator=(const Queue &) = delete;

	/// done once it is committed, or not to be. False: full, done is not called.
	bool add(std::string_view event, std::string body, Taken done);
	/// The oldest, where it is at hand; else it comes, and on_ready tells.
	[[nodiscard]] const Entry *head();
	/// Delivered or buried.
	void drop_head();
	/// All of it goes.
	void clear();
	/// Committed and waiting; while they are counted after a start, those that have been.
	[[nodiscard]] std::size_t count() const noexcept { return entries; }

private:
	using OnState = void (Queue::*)(const pb::Result &);
	[[nodiscard]] pb::Scope::Done later(OnState what);
	void scan();
	void on_page(const pb::Result &r);
	void read_on();
	void on_entries(const pb::Result &r);
	void on_added(const pb::Result &r, std::size_t size);
	void trim();
	void on_again() noexcept;

	pb::Scope &scope;
	const std::string journal;
	const Limits limits;
	const pb::Bound<> on_ready;
	std::deque<Entry> at_hand;
	std::size_t entries = 0, bytes = 0;               // bytes: with what is on its way
	std::size_t on_its_way = 0;                       // appends not committed yet
	std::int64_t newest = 0, last_read = 0, done = 0; // ids; done: the last that has gone
	std::int64_t scanned = 0, first_new = 0;          // first_new: what has come while it was scanned; 0: nothing
	bool is_scanned = false, is_reading = false;
	std::shared_ptr<Queue *> alive = std::make_shared<Queue *>(this); // shared: an answer of the state may come after us
	pb::Timer again;                                                  // after a state that could not be read
};

} // namespace webhook::outgoing
