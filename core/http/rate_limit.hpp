// Requests a minute for each client address: a token bucket, kept as one time an address, in bounded memory.
#pragma once
#include "http/address.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>

namespace core::http {

/// A full bucket holds a minute's worth and refills evenly. IPv6 addresses count by their /64, which one client owns
/// whole. Remembers the `most` addresses seen last; one that is forgotten starts with a full bucket. Loop thread.
class RateLimit final {
public:
	using Clock = std::chrono::steady_clock;
	/// a_minute 0: everything is allowed.
	explicit RateLimit(std::int64_t a_minute, std::size_t most = 16384);

	/// Takes one token: 0 seconds, or how long until there is one, rounded up.
	[[nodiscard]] std::chrono::seconds take(const Address &client, Clock::time_point now = Clock::now());
	/// The same without taking.
	[[nodiscard]] std::chrono::seconds look(const Address &client, Clock::time_point now = Clock::now()) const;
	/// Another limit from now on; buckets keep their fill where that is possible.
	void set(std::int64_t a_minute);
	[[nodiscard]] std::size_t size() const noexcept { return used.size(); }

private:
	struct Bucket {
		Address client;
		Clock::time_point full_at;
	};
	struct Hash {
		std::uint64_t seed;
		std::size_t operator()(const Address &a) const noexcept;
	};
	[[nodiscard]] std::chrono::seconds wait(Clock::time_point full_at, Clock::time_point now) const;
	std::size_t most;
	std::chrono::nanoseconds each{}; // time for one token; 0: no limit
	std::list<Bucket> used;          // the last seen first
	std::unordered_map<Address, std::list<Bucket>::iterator, Hash> index;
};

} // namespace core::http
