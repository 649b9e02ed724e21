// What has been told already, so that it is told once.
#pragma once
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>

namespace webhook::outgoing {

/// Bounded: the oldest is forgotten first.
class Seen final {
public:
	explicit Seen(std::size_t most_) : most(most_) {}
	/// True: it was not known.
	bool add(std::string_view key)
	{
		const auto [i, is_new] = known.emplace(key);
		if (!is_new) return false;
		order.push_back(&*i); // nodes of a set do not move
		if (order.size() > most) {
			known.erase(known.find(*order.front()));
			order.pop_front();
		}
		return true;
	}
	[[nodiscard]] std::size_t size() const noexcept { return order.size(); }

private:
	const std::size_t most;
	std::unordered_set<std::string> known;
	std::deque<const std::string *> order;
};

} // namespace webhook::outgoing
