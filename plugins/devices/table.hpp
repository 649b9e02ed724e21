// The table of devices: bounded, ordered by when each was last seen, with what has changed since somebody last asked.
#pragma once
#include "devices/device.hpp"
#include "devices/history.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace devices {

struct Entry;

/// The order in which the devices of a table were last seen; those of one moment by arrival.
struct ByTime {
	struct Key {
		std::int64_t ms;
		std::uint64_t serial;
	};
	using is_transparent = void;
	static bool less(Key a, Key b) noexcept { return a.ms != b.ms ? a.ms < b.ms : a.serial < b.serial; }
	bool operator()(const Entry *a, const Entry *b) const noexcept;
	bool operator()(const Entry *a, Key b) const noexcept;
	bool operator()(Key a, const Entry *b) const noexcept;
};
using Order = std::set<Entry *, ByTime>;

/// One row. Its texts are made once a change, when somebody first asks for them.
struct Entry {
	Device device;
	History history;
	std::uint64_t serial = 0;       // order of arrival
	std::int64_t changed_at_ms = 0; // our clock

	/// D, N: ready JSON.
	[[nodiscard]] const std::string &text();
	[[nodiscard]] const std::string &network_text();

private:
	friend class Table;
	friend struct ByTime;
	enum class News : std::uint8_t { none, came, changed };
	static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
	std::string ready, ready_network;
	std::uint64_t mac = 0;
	std::int64_t ordered_ms = 0; // last_seen_ms as the order has it
	Order::iterator place{};
	std::size_t news_index = nowhere; // in Table::news
	News news = News::none;
	std::uint32_t pass = 0; // the last one that saw it
	Entry *next = nullptr;  // the same MAC, another key
};

/// Owns the devices. One thread at a time. Past `most` the oldest seen go first, and are counted.
class Table {
public:
	enum class Outcome { same, changed, added, refused };

	explicit Table(std::size_t most_) : most(most_) {}
	Table(const Table &) = delete;
	Table &operator=(const Table &) = delete;
	~Table();

	/// Puts a device in, or in the place of what was known of it. refused: older than all of a full table.
	Outcome put(std::uint64_t mac, Device device, std::int64_t now_ms);
	/// Finds or makes the device and lets `change(Device &, bool is_new)` change it; it says whether it did. For sources
	/// that add to what is known. mac and key of a new device are set already.
	template<typename F> Outcome edit(std::uint64_t mac, std::string_view key, std::int64_t last_seen_ms, std::int64_t now_ms, F &&change)
	{
		if (Entry *e = find(mac, key)) return change(e->device, false) ? changed(*e, now_ms) : Outcome::same;
		Entry *e = add(mac, last_seen_ms);
		if (!e) return Outcome::refused;
		e->device.key = key;
		change(e->device, true);
		return added(*e, now_ms);
	}
	[[nodiscard]] Entry *find(std::uint64_t mac, std::string_view key) noexcept;
	/// All devices of one MAC, the one seen last first.
	[[nodiscard]] std::vector<Entry *> find_all(std::uint64_t mac);

	/// A pass over the source's whole list: what is put in between begin and end stays, the rest goes.
	void begin_pass() noexcept;
	void end_pass();
	void clear();
	void set_most(std::size_t most_);

	[[nodiscard]] const Order &order() const noexcept { return by_time; }
	[[nodiscard]] std::size_t size() const noexcept { return by_time.size(); }
	[[nodiscard]] std::uint64_t evicted() const noexcept { return evictions; }
	/// Grows with every change: what was made of the table before is stale then.
	[[nodiscard]] std::uint64_t generation() const noexcept { return changes; }
	[[nodiscard]] bool has_news() const noexcept { return !news.empty() || !gone.empty(); }
	/// `{"added":[D…],"changed":[D…],"removed":[mac…],"omitted":n}` of at most `limit` devices, which are then no news any more; what is
	/// over stays for the next call. `more` says that there is.
	[[nodiscard]] std::string take_news(std::size_t limit, bool &more);
	void forget_news();
	/// Gives up the histories of devices that have not changed for five minutes.
	void expire_histories(std::int64_t now_ms);

private:
	[[nodiscard]] Entry *add(std::uint64_t mac, std::int64_t last_seen_ms);
	Outcome added(Entry &e, std::int64_t now_ms);
	Outcome changed(Entry &e, std::int64_t now_ms);
	void set_order(Entry &e);
	void note(Entry &e, Entry::News what);
	void drop_news(Entry &e) noexcept;
	void link(Entry *e);
	void unlink(Entry *e) noexcept;
	void remove(Order::iterator at);
	[[nodiscard]] std::int64_t spacing_ms() const noexcept;

	std::size_t most;
	std::uint64_t next_serial = 1, changes = 0, evictions = 0;
	Order by_time;
	std::unordered_map<std::uint64_t, Entry *> by_mac; // the first of a chain; entries are owned through by_time
	std::unique_ptr<Entry> spare;                      // the last one that went: a full table makes no garbage
	Order::node_type spare_node;
	std::vector<Entry *> news; // with holes where an entry has gone
	std::vector<std::string> gone;
	std::uint64_t gone_uncounted = 0; // more than are worth keeping
	std::uint32_t pass = 0;
};

} // namespace devices
