// What outlives a restart: the way driven, a journal written once an interval while the kit moves, and the last hour, written when the plugin stops.
#pragma once
#include "history.hpp"
#include "track.hpp"

#include <patchbay/patchbay.hpp>

#include <vector>

namespace dashboard {

/// Does not own history and track; they outlive it. Loop thread.
class Memory {
public:
	Memory(pb::Scope &scope_, History &history_, Track &track_) : scope(scope_), history(history_), track(track_) {}
	Memory(const Memory &) = delete;
	Memory &operator=(const Memory &) = delete;

	/// Puts what is remembered before what has come since the start. Asked twice: an instance that this one replaces writes its last only when it stops.
	void restore();
	/// A point that must be remembered; written with the next save().
	void keep(const Point &point) { unsaved.push_back(point); }
	void save();
	void forget();
	/// Writes all; done once it is committed, or cannot be.
	void finish(pb::Bound<> done);

private:
	void take_way(const json_t *entries);
	void take_hour(const json_t *document);
	pb::Scope &scope;
	History &history;
	Track &track;
	std::int64_t started_ms = pb::unix_ms();
	std::vector<Point> unsaved;
	unsigned appended = 0;
};

} // namespace dashboard
