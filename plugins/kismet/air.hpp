// What Kismet has told of the air: the tables, the topics made of them, and the lists that are served.
#pragma once
#include "devices/replies.hpp"
#include "kismet/intake.hpp"

#include <patchbay/patchbay.hpp>

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace kismet {

/// Loop thread. Does not know where it comes from.
class Air {
public:
	struct Limits {
		std::size_t devices, alerts;
	};
	/// on_watch: somebody begins to look at these topics, or nobody does any more.
	Air(pb::Scope &scope, Limits limits, pb::Bound<int> on_watch);
	Air(const Air &) = delete;
	Air &operator=(const Air &) = delete;

	/// Returns how many devices are not as they were.
	std::size_t put(Taken &taken);
	/// The whole list of sources has come.
	void put_sources(std::vector<Source> sources);
	/// Another Kismet: nothing of what the old one said is known of it.
	void clear();
	void configure(Limits limits);

	[[nodiscard]] std::uint64_t packets() const noexcept; // of all sources so far
	[[nodiscard]] double newest_message() const noexcept { return messages.empty() ? 0 : messages.back().time; }

	devices::Table table;
	devices::Alerts alerts;
	devices::Replies replies;

private:
	void tell_soon(std::chrono::milliseconds at_least = {}) noexcept;
	void on_tell() noexcept;
	void tell_summary();
	[[nodiscard]] std::string summary_text() const;
	[[nodiscard]] std::string messages_text() const;

	std::vector<Source> sources;
	std::deque<Message> messages; // newest last
	double packets_a_second = -1; // -1: not known yet
	std::uint64_t packets_before = 0;
	std::chrono::steady_clock::time_point packets_at{}, told_at{}, summed_at{};
	std::uint64_t told_alerts = 0, summed = 0, messages_seen = 0, messages_told = 0, source_changes = 0;
	std::int64_t expired_ms = 0;
	bool is_planned = false;

	pb::Topic summary_topic, changes_topic, alerts_topic, messages_topic;
	pb::Timer timer;
};

} // namespace kismet
