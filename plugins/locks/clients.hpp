// Those who ask for a named lock: over HTTP, waiting in the open request, or by a method.
#pragma once
#include "desk.hpp"

#include <optional>

namespace locks {

struct AcquireBody {
	std::string owner;
	std::int64_t timeout_ms;
	std::optional<std::int64_t> ttl_ms;
	std::optional<std::string> hold;
	static constexpr auto fields =
		pb::fields(pb::field("owner", &AcquireBody::owner, {.min = 1, .max = 128, .help = "who asks, for people to read; also what deadlocks are found by"}),
			pb::field("timeout_ms", &AcquireBody::timeout_ms, {.fallback = "30000", .min = 0, .max = 86'400'000, .help = "how long to stand in line"}),
			pb::field("ttl_ms", &AcquireBody::ttl_ms, {.min = 100, .max = 86'400'000, .help = "the lease: the lock ends by itself after it, unless renewed"}),
			pb::field("hold", &AcquireBody::hold, {.choices = "connection", .help = "instead of ttl_ms: the lock ends with this connection"}));
};

/// POST locks/{name}/acquire. is_talking: says what it waits for, a JSON line at a time.
std::unique_ptr<Client> http_client(Desk &desk, pb::Request &&request, bool holds, bool is_talking);
/// locks.acquire.
std::unique_ptr<Client> call_client(Desk &desk, pb::Reply &&reply);

/// What is held by whom, as the answer to an acquire.
pb::Json granted_json(const std::string &name, const Holder &holder);

} // namespace locks
