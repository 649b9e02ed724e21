// What an interface was before Patchbay changed it, on disk before the first change: the next daemon finishes or undoes.
#pragma once
#include <patchbay/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace netif {

struct Record {
	// Which interface: the same only where all of these match.
	std::string boot_id, identity;
	int index = 0;
	std::optional<std::uint32_t> wiphy;
	std::string name; // for people
	// What it was.
	std::uint32_t type = 0; // NL80211_IFTYPE_*, 0 where it has none
	bool was_up = false;
	std::optional<bool> was_managed; // by NetworkManager, where that runs
	std::vector<std::string> kept;   // addresses and routes, as messages
	// Who has it now, and how.
	std::string owner;
	std::uint32_t wanted_type = 0;                             // 0: it stays as it is
	std::uint32_t wanted_mhz = 0;                              // 0: any
	std::int64_t since_ms = 0, lease_ms = 0, lease_end_ms = 0; // unix time; 0: no lease
	int pid = 0;                                               // of the owner; 0 unknown
	unsigned long long pid_start = 0;
	std::string state_file; // written for older tools; "" none
	std::string step;       // the last one that was begun; "held"; "handed over"

	[[nodiscard]] pb::Json json() const;
	[[nodiscard]] static std::optional<Record> parse(std::string_view text);
};

/// A folder of them, one file an interface. Blocks: for a worker.
class Records final {
public:
	explicit Records(std::string folder_) : folder(std::move(folder_)) {}
	/// "" or why not.
	[[nodiscard]] std::string write(const Record &record) const;
	void remove(int index) const;
	/// Those that cannot be read are removed, and what a crash left half written.
	[[nodiscard]] std::vector<Record> read_all() const;

private:
	[[nodiscard]] std::string path(int index) const;
	const std::string folder;
};

} // namespace netif
