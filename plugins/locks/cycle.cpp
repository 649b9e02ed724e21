// Deadlocks: would this owner's wait close a circle of owners that wait for each other?
//
// Who waits, waits for the holder and, the line being strict, for all that stand before it. A circle can only close when
// somebody begins to wait: grants, releases and departures take links away. So one search at each wait is enough.
#include "table.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>

namespace locks {

std::vector<Link> Table::cycle(const std::string &owner, const Lock &lock) const
{
	if (!owners.contains(owner)) return {}; // nobody waits for one that neither holds nor waits
	struct Step {                           // `by` waits for `lock`, behind all tickets below `before`; `from`: the step that led here
		const Lock *lock;
		Ticket before;
		const std::string *by;
		std::size_t from;
	};
	std::vector<Step> steps{{&lock, std::numeric_limits<Ticket>::max(), &owner, 0}};
	std::unordered_set<std::string_view> seen{owner};
	std::unordered_map<const Lock *, std::list<Waiter>::const_iterator> looked; // no line is walked twice

	for (std::size_t at = 0; at < steps.size(); ++at) {
		const Step step = steps[at];
		bool is_back = false;
		const auto look = [&](const std::string &in_the_way) {
			// Its own earlier ask in the line that it now joins is no circle: that one gets the lock first.
			if (in_the_way == owner) is_back = is_back || at != 0;
			else if (seen.insert(in_the_way).second)
				for (const Ticket t : owners.find(in_the_way)->second.waits) steps.push_back({places.find(t)->second.lock, t, &in_the_way, at});
		};
		auto [i, is_first] = looked.try_emplace(step.lock, step.lock->queue.begin());
		if (is_first && step.lock->holder) look(step.lock->holder->owner);
		for (; i->second != step.lock->queue.end() && i->second->ticket < step.before; ++i->second) look(i->second->owner);
		if (!is_back) continue;
		std::vector<Link> links;
		for (std::size_t s = at;; s = steps[s].from) {
			links.push_back({*steps[s].by, steps[s].lock->name});
			if (s == 0) break;
		}
		std::reverse(links.begin(), links.end());
		return links;
	}
	return {};
}

} // namespace locks
