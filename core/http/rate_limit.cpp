#include "http/rate_limit.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cstring>

namespace core::http {

namespace {
using std::chrono::nanoseconds;
constexpr nanoseconds a_minute_long = std::chrono::minutes(1);

// Seeded: strangers choose their addresses, and must not be able to choose their buckets.
std::uint64_t random_seed() noexcept
{
	std::uint64_t seed = 0;
	if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) seed = static_cast<std::uint64_t>(RateLimit::Clock::now().time_since_epoch().count());
	return seed;
}

Address key_of(const Address &client) noexcept { return client.is_v4() ? client : client.cut(64); }
} // namespace

std::size_t RateLimit::Hash::operator()(const Address &a) const noexcept
{
	std::uint64_t h = seed;
	for (std::size_t i = 0; i < 16; i += 8) {
		std::uint64_t part = 0;
		std::memcpy(&part, a.bytes().data() + i, sizeof part);
		h = (h ^ part) * 0x9e3779b97f4a7c15U;
		h ^= h >> 32;
	}
	return static_cast<std::size_t>(h);
}

RateLimit::RateLimit(std::int64_t a_minute, std::size_t most_) : most(most_), index(0, Hash{random_seed()}) { set(a_minute); }

void RateLimit::set(std::int64_t a_minute)
{
	each = a_minute > 0 ? std::max(a_minute_long / a_minute, nanoseconds(1)) : nanoseconds(0);
	if (each.count() != 0) return;
	index.clear();
	used.clear();
}

std::chrono::seconds RateLimit::wait(Clock::time_point full_at, Clock::time_point now) const
{
	const auto short_of = full_at + each - now - a_minute_long; // a token is there while the bucket is full within a minute less one
	return short_of.count() > 0 ? std::chrono::ceil<std::chrono::seconds>(short_of) : std::chrono::seconds(0);
}

std::chrono::seconds RateLimit::look(const Address &client, Clock::time_point now) const
{
	if (each.count() == 0) return std::chrono::seconds(0);
	const auto i = index.find(key_of(client));
	return i == index.end() ? std::chrono::seconds(0) : wait(i->second->full_at, now);
}

std::chrono::seconds RateLimit::take(const Address &client, Clock::time_point now)
{
	if (each.count() == 0) return std::chrono::seconds(0);
	const Address key = key_of(client);
	const auto i = index.find(key);
	if (i == index.end()) {
		if (used.size() >= most) {
			index.erase(used.back().client);
			used.pop_back();
		}
		used.push_front({key, now + each});
		index.emplace(key, used.begin());
		return std::chrono::seconds(0);
	}
	Bucket &bucket = *i->second;
	used.splice(used.begin(), used, i->second);
	const auto full_at = std::max(bucket.full_at, now);
	const auto left = wait(full_at, now);
	if (left.count() == 0) bucket.full_at = full_at + each;
	return left;
}

} // namespace core::http
