// Lists of devices and networks as ready JSON: filtered, sorted and paged, a concatenation of what the entries hold.
#pragma once
#include "devices/table.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace devices {

/// What a list is asked for. Empty texts: no such filter.
struct Query {
	std::optional<std::int64_t> since_ms; // last seen then or later
	std::size_t limit = 100;
	std::string cursor;             // `next` of the page before
	std::string type;               // as the contract words it, any case
	std::string q;                  // part of a name, SSID, MAC or maker, any case
	std::string sort = "-lastSeen"; // lastSeen firstSeen signal name packets; `-` before it: falling
};

enum class Kind { devices, networks };

/// One page, and how many there are on all of them.
struct Page {
	std::string items; // `{…},{…}`: without brackets
	std::size_t total = 0;
	std::string next; // empty: the last page
};

/// Empty where the cursor is not one of this sort.
[[nodiscard]] std::optional<Page> list(const Table &table, Kind kind, const Query &query);

/// `"total":n,"next":…` as replies end.
void append_paging(std::string &out, const Page &page);

/// The choices of `sort`, as a field table wants them.
inline constexpr const char *sort_choices = "lastSeen|-lastSeen|firstSeen|-firstSeen|signal|-signal|name|-name|packets|-packets";

} // namespace devices
