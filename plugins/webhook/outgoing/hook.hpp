// One outgoing webhook as it was configured, and what became of it: as it is kept, and as it is shown.
#pragma once
#include "url.hpp"

#include <patchbay/patchbay.hpp>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace webhook::outgoing {

inline constexpr std::array<const char *, 5> event_names{"statusUpdate", "scriptEvent", "newDevice", "alert", "incident"};
inline constexpr const char *event_choices = "all|statusUpdate|scriptEvent|newDevice|alert|incident";

struct Hook {
	std::string id; // "wh_…"
	int slot = 0;   // which journals are its own
	std::string url;
	Url to;
	std::vector<std::string> events;
	bool is_enabled = true;
	std::map<std::string, std::string> headers;
	std::string secret; // empty: not signed
	std::int64_t created = 0;
	std::optional<std::int64_t> last_triggered;
	std::int64_t delivered = 0, failed = 0, dead = 0, dropped = 0;
	std::string last_error;
	// Of the event that is being tried.
	std::int64_t entry = 0, due = 0;
	int tries = 0;

	/// Of what is sent out.
	[[nodiscard]] bool wants(std::string_view event) const noexcept;
	/// With what must not be shown.
	[[nodiscard]] pb::Json kept() const;
	[[nodiscard]] static std::optional<Hook> from(const json_t *kept);
	/// As the contract has it.
	[[nodiscard]] pb::Json shown() const;
};

} // namespace webhook::outgoing
