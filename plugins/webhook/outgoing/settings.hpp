// [plugins.webhook.outgoing] in patchbay.toml.
#pragma once
#include <patchbay/fields.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace webhook::outgoing {

struct Settings {
	std::vector<std::string> allow;
	std::string ca_file;
	std::size_t max_queued, max_bytes;
	int tries;
	std::chrono::milliseconds first_retry, longest_retry;
	static constexpr auto fields = pb::fields(pb::field("allow", &Settings::allow,
												  {.fallback = "[]",
													  .max = 2,
													  .choices = "link-local|self",
													  .help = "where deliveries may go as well: link-local addresses, the daemon's own listeners"}),
		pb::field(
			"ca_file", &Settings::ca_file, {.fallback = "\"\"", .max = 4096, .help = "authorities (PEM) that are believed for https; empty: the system's"}),
		pb::field("max_queued", &Settings::max_queued, {.fallback = "100000", .min = 1, .max = 1'000'000, .help = "events that may wait for one webhook"}),
		pb::field("max_bytes", &Settings::max_bytes, {.fallback = "67108864", .min = 65536, .max = 1e9, .help = "bytes that may wait for one webhook"}),
		pb::field("tries", &Settings::tries, {.fallback = "10", .min = 1, .max = 100, .help = "after so many an event is a dead letter"}),
		pb::field("first_retry", &Settings::first_retry,
			{.fallback = "1s", .min = std::chrono::milliseconds(10), .max = std::chrono::hours(1), .help = "from the first try to the second"}),
		pb::field("longest_retry", &Settings::longest_retry,
			{.fallback = "1h", .min = std::chrono::milliseconds(10), .max = std::chrono::hours(24), .help = "from the last try but one to the last"}));
};

/// From try number `tries` (from 1) to the next: growing evenly from the first to the longest.
[[nodiscard]] std::chrono::milliseconds wait_after(int tries, const Settings &settings) noexcept;

} // namespace webhook::outgoing
