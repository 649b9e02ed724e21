#include "settings.hpp"

#include <algorithm>
#include <cmath>

namespace webhook::outgoing {

std::chrono::milliseconds wait_after(int tries, const Settings &s) noexcept
{
	const auto first = static_cast<double>(s.first_retry.count()), longest = std::max(first, static_cast<double>(s.longest_retry.count()));
	const double steps = std::max(s.tries - 2, 1); // there is one wait less than there are tries
	return std::chrono::milliseconds(std::llround(std::min(longest, first * std::pow(longest / first, std::max(tries - 1, 0) / steps))));
}

} // namespace webhook::outgoing
