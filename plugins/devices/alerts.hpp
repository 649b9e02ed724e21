// The table of alerts: bounded, newest last, each with its ready JSON.
#pragma once
#include "devices/list.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace devices {

/// A plain value.
struct Alert {
	std::string id;
	std::string type; // Kismet's header: "BCASTDISCON"
	int severity = 0; // Kismet's: 0 to 20
	double time = 0;  // unix seconds
	std::string message;
	std::string source, dest, channel, transmitter, group; // group: Kismet's class, "DENIAL"
	std::string text;                                      // A of the contract, made when it is put in
};

/// "info", "low", "medium", "high" or "critical": the nearest of 0, 5, 10, 15, 20.
[[nodiscard]] std::string_view severity_word(int severity) noexcept;
/// A of the contract.
void append_alert(std::string &out, const Alert &alert);

/// Owns the alerts. One thread at a time. Past `most` the oldest go, and are counted.
class Alerts {
public:
	explicit Alerts(std::size_t most_) : most(most_) {}

	/// False: it is known already, by id and time, or older than all of a full table.
	bool put(Alert alert);
	void clear()
	{
		alerts.clear();
		++changes;
	}
	void set_most(std::size_t most_);

	/// The newest `count`, newest first: `[A…]`.
	[[nodiscard]] std::string newest(std::size_t count) const;
	/// type: the alert's; q: part of its message, type or a MAC; sort: timestamp or severity.
	[[nodiscard]] std::optional<Page> list(const Query &query) const;
	[[nodiscard]] std::size_t size() const noexcept { return alerts.size(); }
	[[nodiscard]] std::size_t count_of(std::string_view severity) const noexcept;
	[[nodiscard]] std::uint64_t evicted() const noexcept { return evictions; }
	[[nodiscard]] std::uint64_t generation() const noexcept { return changes; }
	[[nodiscard]] double newest_time() const noexcept { return alerts.empty() ? 0 : alerts.back().time; }

	static constexpr const char *sort_choices = "timestamp|-timestamp|severity|-severity";

private:
	void shrink();
	std::size_t most;
	std::uint64_t evictions = 0, changes = 0;
	std::deque<Alert> alerts; // by time
};

} // namespace devices
