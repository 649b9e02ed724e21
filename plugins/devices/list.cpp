#include "devices/list.hpp"

#include "devices/text.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace devices {
namespace {

enum class By { last_seen, first_seen, signal, name, packets };

struct Sort {
	By by = By::last_seen;
	bool is_falling = true;
};

Sort parse_sort(std::string_view text)
{
	Sort s;
	s.is_falling = text.starts_with('-');
	if (s.is_falling) text.remove_prefix(1);
	s.by = text == "firstSeen" ? By::first_seen : text == "signal" ? By::signal : text == "name" ? By::name : text == "packets" ? By::packets : By::last_seen;
	return s;
}

/// Where an entry stands in an order: a number, or a word, and the serial where those are equal.
struct Position {
	std::int64_t number = 0;
	std::string word;
	std::uint64_t serial = 0;
	bool operator<(const Position &o) const
	{
		if (number != o.number) return number < o.number;
		if (const int c = word.compare(o.word)) return c < 0;
		return serial < o.serial;
	}
};

std::int64_t number_of(const Device &d, By by) noexcept
{
	switch (by) {
	case By::first_seen: return d.first_seen_ms;
	case By::signal: return d.signal.last == 0 ? std::numeric_limits<int>::min() : d.signal.last; // unknown is weakest
	case By::packets: return d.packets;
	case By::last_seen: return d.last_seen_ms;
	case By::name: break;
	}
	return 0;
}

std::string word_of(const Device &d) { return lower(d.name.empty() ? d.mac : d.name); }

Position position_of(const Entry &e, By by) { return {number_of(e.device, by), by == By::name ? word_of(e.device) : std::string(), e.serial}; }

// A cursor is the position of the last entry of a page, in characters that need no quoting in a URL: "number.serial.hex".
std::string make_cursor(const Position &p)
{
	std::string out;
	append_integer(out, p.number);
	out += '.';
	append_integer(out, static_cast<std::int64_t>(p.serial));
	out += '.';
	for (const char c : p.word) {
		out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
		out += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
	}
	return out;
}

std::optional<Position> parse_cursor(std::string_view text, By by)
{
	Position p;
	const char *end = text.data() + text.size();
	const auto number = std::from_chars(text.data(), end, p.number);
	if (number.ec != std::errc() || number.ptr == end || *number.ptr != '.') return {};
	const auto serial = std::from_chars(number.ptr + 1, end, p.serial);
	if (serial.ec != std::errc() || serial.ptr == end || *serial.ptr != '.') return {};
	const char *at = serial.ptr + 1;
	if ((end - at) % 2 != 0 || (by != By::name && at != end)) return {};
	for (; at != end; at += 2) {
		unsigned char c = 0;
		if (std::from_chars(at, at + 2, c, 16).ptr != at + 2) return {};
		p.word += static_cast<char>(c);
	}
	return p;
}

class Filter {
public:
	Filter(Kind kind_, const Query &q) : kind(kind_), since(q.since_ms), type(q.type), word(lower(q.q)) {}
	[[nodiscard]] bool passes_all() const noexcept { return kind == Kind::devices && !since && type.empty() && word.empty(); }
	[[nodiscard]] bool operator()(const Device &d) const
	{
		if (kind == Kind::networks && !d.is_network) return false;
		if (since && d.last_seen_ms < *since) return false;
		if (!type.empty() && !is_same_word(d.type.empty() ? "Unknown" : std::string_view(d.type), type)) return false;
		return word.empty() || has_word(d.name, word) || has_word(d.ssid, word) || has_word(d.mac, word) || has_word(d.manufacturer, word);
	}

private:
	const Kind kind;
	const std::optional<std::int64_t> since;
	const std::string_view type;
	const std::string word;
};

class Pager {
public:
	Pager(Kind kind_, std::size_t limit_, By by_) : kind(kind_), limit(limit_), by(by_) {}
	/// In the order of the list, from the cursor on. False: the page is full, and there is more.
	bool add(Entry &e)
	{
		if (count == limit) {
			page.next = make_cursor(position_of(*last, by));
			return false;
		}
		if (count++ > 0) page.items += ',';
		page.items += kind == Kind::devices ? e.text() : e.network_text();
		last = &e;
		return true;
	}
	Page page;

private:
	const Kind kind;
	const std::size_t limit;
	const By by;
	std::size_t count = 0;
	const Entry *last = nullptr;
};

/// The table's own order: nothing is gathered, and without filters only the page is looked at.
template<typename It> void walk(It at, It end, const Filter &passes, Pager &pager)
{
	for (; at != end; ++at)
		if (passes((*at)->device) && !pager.add(**at)) break;
}

void list_by_time(const Order &order, Order::iterator first, const Sort &sort, const Filter &passes, const std::optional<Position> &after, Pager &pager)
{
	const auto is_past = [&] { return after && (first == order.end() || ByTime()(ByTime::Key{after->number, after->serial}, *first)); };
	if (sort.is_falling) {
		if (is_past()) return;
		const auto from = after ? order.lower_bound(ByTime::Key{after->number, after->serial}) : order.end();
		walk(std::make_reverse_iterator(from), std::make_reverse_iterator(first), passes, pager);
	} else {
		const auto from = after && !is_past() ? order.upper_bound(ByTime::Key{after->number, after->serial}) : first;
		walk(from, order.end(), passes, pager);
	}
}

void list_sorted(
	const Order &order, Order::iterator first, const Sort &sort, const Filter &passes, const std::optional<Position> &after, std::size_t limit, Pager &pager)
{
	std::vector<std::pair<Position, Entry *>> found;
	for (auto at = first; at != order.end(); ++at) {
		Entry *e = *at;
		if (!passes(e->device)) continue;
		Position p = position_of(*e, sort.by);
		if (after && !(sort.is_falling ? p < *after : *after < p)) continue;
		found.emplace_back(std::move(p), e);
	}
	const auto before = [&](const auto &a, const auto &b) { return sort.is_falling ? b.first < a.first : a.first < b.first; };
	const std::size_t wanted = std::min(limit + 1, found.size()); // one more tells whether there is a next page
	std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(wanted), found.end(), before);
	for (std::size_t i = 0; i < wanted; ++i)
		if (!pager.add(*found[i].second)) break;
}

} // namespace

std::optional<Page> list(const Table &table, Kind kind, const Query &query)
{
	const Sort sort = parse_sort(query.sort);
	std::optional<Position> after;
	if (!query.cursor.empty() && !(after = parse_cursor(query.cursor, sort.by))) return {};

	const Filter passes(kind, query);
	Pager pager(kind, query.limit, sort.by);
	const Order &order = table.order();
	const auto first = query.since_ms ? order.lower_bound(ByTime::Key{*query.since_ms, 0}) : order.begin(); // nothing older passes
	if (sort.by == By::last_seen) list_by_time(order, first, sort, passes, after, pager);
	else list_sorted(order, first, sort, passes, after, query.limit, pager);

	Page page = std::move(pager.page);
	if (passes.passes_all()) page.total = table.size();
	else page.total = static_cast<std::size_t>(std::count_if(first, order.end(), [&](const Entry *e) { return passes(e->device); }));
	return page;
}

void append_paging(std::string &out, const Page &page)
{
	out += "\"total\":";
	append_integer(out, static_cast<std::int64_t>(page.total));
	out += ",\"next\":";
	append_quoted_or_null(out, page.next);
}

} // namespace devices
