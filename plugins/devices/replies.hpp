// What routes and methods of both plugins take and give: arguments as one table of fields, replies as ready text.
#pragma once
#include "devices/alerts.hpp"
#include "devices/list.hpp"
#include "devices/table.hpp"

#include <patchbay/fields.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace devices {

/// Arguments of a list of devices or networks.
struct ListArgs {
	std::optional<pb::UnixTime> since;
	std::int64_t limit = 100;
	std::string cursor, type, q, sort;
	static constexpr auto fields = pb::fields(pb::field("since", &ListArgs::since, {.help = "last seen then or later"}),
		pb::field("limit", &ListArgs::limit, {.fallback = "100", .min = 1, .max = 1000, .help = "entries on a page"}),
		pb::field("cursor", &ListArgs::cursor, {.fallback = "\"\"", .max = 2048, .help = "`next` of the page before"}),
		pb::field("type", &ListArgs::type, {.fallback = "\"\"", .max = 64, .help = "this type alone, any case: Access Point"}),
		pb::field("q", &ListArgs::q, {.fallback = "\"\"", .max = 256, .help = "part of a name, SSID, MAC or maker, any case"}),
		pb::field("sort", &ListArgs::sort, {.fallback = "\"-lastSeen\"", .choices = sort_choices, .help = "by what; `-` before it: falling"}));
	[[nodiscard]] Query query() const;
};

/// Arguments of a list of alerts.
struct AlertArgs {
	std::optional<pb::UnixTime> since;
	std::int64_t limit = 100;
	std::string cursor, type, q, sort;
	static constexpr auto fields = pb::fields(pb::field("since", &AlertArgs::since, {.help = "raised then or later"}),
		pb::field("limit", &AlertArgs::limit, {.fallback = "100", .min = 1, .max = 1000, .help = "alerts on a page"}),
		pb::field("cursor", &AlertArgs::cursor, {.fallback = "\"\"", .max = 2048, .help = "`next` of the page before"}),
		pb::field("type", &AlertArgs::type, {.fallback = "\"\"", .max = 64, .help = "this type alone, any case: BCASTDISCON"}),
		pb::field("q", &AlertArgs::q, {.fallback = "\"\"", .max = 256, .help = "part of a message, type or MAC, any case"}),
		pb::field("sort", &AlertArgs::sort, {.fallback = "\"-timestamp\"", .choices = Alerts::sort_choices, .help = "by what; `-` before it: falling"}));
	[[nodiscard]] Query query() const;
};

/// Arguments of `kismet.data` and `csv.data`: the contract's kismet-data.
struct DataArgs {
	std::optional<pb::UnixTime> since;
	std::int64_t limit = 100;
	std::string type;
	static constexpr auto fields = pb::fields(pb::field("since", &DataArgs::since, {.help = "last seen or raised then or later"}),
		pb::field("limit", &DataArgs::limit, {.fallback = "100", .min = 1, .max = 1000, .help = "entries of each type"}),
		pb::field("type", &DataArgs::type, {.fallback = "\"all\"", .choices = "devices|networks|alerts|all", .help = "what is wanted"}));
};

struct MacPath {
	std::string mac;
	static constexpr auto fields = pb::fields(pb::field("mac", &MacPath::mac, {.min = 17, .max = 23, .help = "AA:BB:CC:DD:EE:FF, any case, `:` or `-`"}));
};

/// Makes the replies of one source from its tables, and keeps the last few as long as nothing changes. Borrows the tables.
/// Throws pb::Error where an argument is not right.
class Replies {
public:
	/// alerts: null where the source knows none.
	Replies(const char *source_, Table &table_, const Alerts *alerts_) : source(source_), table(table_), alerts(alerts_) {}

	/// `{"devices":[D…],"total":n,"next":…,"source":…}`. The text is good until the next call.
	const std::string &devices(const Query &query) { return list_of(Kind::devices, query); }
	const std::string &networks(const Query &query) { return list_of(Kind::networks, query); }
	/// `{"alerts":[A…],"total":n,"next":…}`
	[[nodiscard]] std::string alert_list(const Query &query) const;
	/// The contract's `data`: `{"devices":[D…],"networks":[N…],"alerts":[A…],"summary":{…}}`.
	const std::string &data(const DataArgs &args);
	/// D with `"history":[…]`, and `"others":[D…]` where the MAC has been seen on another phy as well. 404.
	[[nodiscard]] std::string device(std::string_view mac);

private:
	struct Kept {
		std::string what, text;
		std::uint64_t generation = 0;
	};
	const std::string &list_of(Kind kind, const Query &query);
	[[nodiscard]] std::uint64_t generation() const noexcept { return table.generation() + (alerts ? alerts->generation() : 0) + 1; }
	/// The kept text for this, or a place for it (then with an empty text).
	Kept &kept(std::string what);

	const char *const source;
	Table &table;
	const Alerts *const alerts;
	std::array<Kept, 4> cache;
	std::size_t oldest = 0;
};

} // namespace devices
