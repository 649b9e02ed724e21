#include "devices/table.hpp"

#include "devices/text.hpp"

#include <algorithm>

namespace devices {

bool ByTime::operator()(const Entry *a, const Entry *b) const noexcept { return less({a->ordered_ms, a->serial}, {b->ordered_ms, b->serial}); }
bool ByTime::operator()(const Entry *a, Key b) const noexcept { return less({a->ordered_ms, a->serial}, b); }
bool ByTime::operator()(Key a, const Entry *b) const noexcept { return less(a, {b->ordered_ms, b->serial}); }

const std::string &Entry::text()
{
	if (ready.empty()) append_device(ready, device);
	return ready;
}

const std::string &Entry::network_text()
{
	if (ready_network.empty()) append_network(ready_network, device);
	return ready_network;
}

Table::~Table()
{
	for (Entry *e : by_time) delete e;
}

Entry *Table::find(std::uint64_t mac, std::string_view key) noexcept
{
	const auto it = by_mac.find(mac);
	for (Entry *e = it == by_mac.end() ? nullptr : it->second; e; e = e->next)
		if (e->device.key == key) return e;
	return nullptr;
}

std::vector<Entry *> Table::find_all(std::uint64_t mac)
{
	std::vector<Entry *> out;
	const auto it = by_mac.find(mac);
	for (Entry *e = it == by_mac.end() ? nullptr : it->second; e; e = e->next) out.push_back(e);
	std::sort(out.begin(), out.end(), [](const Entry *a, const Entry *b) { return ByTime()(b, a); });
	return out;
}

Table::Outcome Table::put(std::uint64_t mac, Device device, std::int64_t now_ms)
{
	Entry *e = find(mac, device.key);
	if (!e) {
		e = add(mac, device.last_seen_ms);
		if (!e) return Outcome::refused;
		e->device = std::move(device);
		return added(*e, now_ms);
	}
	e->pass = pass;
	if (e->device == device) return Outcome::same;
	e->device = std::move(device);
	return changed(*e, now_ms);
}

Entry *Table::add(std::uint64_t mac, std::int64_t last_seen_ms)
{
	if (by_time.size() >= most) {
		if ((*by_time.begin())->ordered_ms > last_seen_ms) {
			++evictions;
			return nullptr;
		}
		++evictions;
		remove(by_time.begin());
	}
	std::unique_ptr<Entry> e = spare ? std::move(spare) : std::make_unique<Entry>();
	e->serial = next_serial++;
	e->mac = mac;
	e->ordered_ms = last_seen_ms;
	e->pass = pass;
	if (!spare_node.empty()) {
		spare_node.value() = e.get();
		e->place = by_time.insert(by_time.end(), std::move(spare_node));
	} else {
		e->place = by_time.insert(by_time.end(), e.get());
	}
	link(e.get());
	return e.release(); // by_time owns it
}

Table::Outcome Table::added(Entry &e, std::int64_t now_ms)
{
	e.changed_at_ms = now_ms;
	set_order(e);
	e.history.add(e.device, spacing_ms());
	note(e, Entry::News::came);
	++changes;
	return Outcome::added;
}

Table::Outcome Table::changed(Entry &e, std::int64_t now_ms)
{
	e.pass = pass;
	e.changed_at_ms = now_ms;
	e.ready.clear();
	e.ready_network.clear();
	set_order(e);
	e.history.add(e.device, spacing_ms());
	note(e, Entry::News::changed);
	++changes;
	return Outcome::changed;
}

void Table::set_order(Entry &e)
{
	if (e.ordered_ms == e.device.last_seen_ms) return;
	auto node = by_time.extract(e.place);
	e.ordered_ms = e.device.last_seen_ms;
	e.place = by_time.insert(by_time.end(), std::move(node)); // nearly always the newest
}

void Table::note(Entry &e, Entry::News what)
{
	if (e.news != Entry::News::none) return; // what came stays new, however often it changes
	e.news = what;
	e.news_index = news.size();
	news.push_back(&e);
}

void Table::drop_news(Entry &e) noexcept
{
	if (e.news == Entry::News::none) return;
	news[e.news_index] = nullptr;
	e.news = Entry::News::none;
	while (!news.empty() && !news.back()) news.pop_back();
}

void Table::link(Entry *e)
{
	Entry *&first = by_mac[e->mac];
	e->next = first;
	first = e;
}

void Table::unlink(Entry *e) noexcept
{
	const auto it = by_mac.find(e->mac);
	if (it->second == e && !e->next) {
		by_mac.erase(it);
		return;
	}
	Entry **at = &it->second;
	while (*at != e) at = &(*at)->next;
	*at = e->next;
	e->next = nullptr;
}

void Table::remove(Order::iterator at)
{
	std::unique_ptr<Entry> e(*at);
	spare_node = by_time.extract(at);
	unlink(e.get());
	const bool is_secret = e->news == Entry::News::came; // nobody has been told of it
	drop_news(*e);
	if (!is_secret && !by_mac.contains(e->mac)) {
		if (gone.size() < most) gone.push_back(e->device.mac);
		else ++gone_uncounted;
	}
	++changes;
	e->ready.clear();
	e->ready_network.clear();
	e->history.clear();
	e->device = Device{};
	spare = std::move(e);
}

void Table::begin_pass() noexcept { ++pass; }

void Table::end_pass()
{
	for (auto it = by_time.begin(); it != by_time.end();) {
		const auto at = it++;
		if ((*at)->pass != pass) remove(at);
	}
}

void Table::clear()
{
	while (!by_time.empty()) remove(by_time.begin());
}

void Table::set_most(std::size_t most_)
{
	most = most_;
	while (by_time.size() > most) {
		++evictions;
		remove(by_time.begin());
	}
}

std::string Table::take_news(std::size_t limit, bool &more)
{
	std::string came, changed_text;
	std::size_t at = 0;
	for (; at < news.size() && limit > 0; ++at) {
		Entry *e = news[at];
		if (!e) continue;
		std::string &out = e->news == Entry::News::came ? came : changed_text;
		if (!out.empty()) out += ',';
		out += e->text();
		e->news = Entry::News::none;
		--limit;
	}
	news.erase(news.begin(), news.begin() + static_cast<std::ptrdiff_t>(at));
	for (std::size_t i = 0; i < news.size(); ++i)
		if (news[i]) news[i]->news_index = i;

	std::string out = "{\"added\":[" + came + "],\"changed\":[" + changed_text + "],\"removed\":[";
	const std::size_t leaving = std::min(limit, gone.size());
	for (std::size_t i = 0; i < leaving; ++i) {
		if (i > 0) out += ',';
		append_quoted(out, gone[i]);
	}
	gone.erase(gone.begin(), gone.begin() + static_cast<std::ptrdiff_t>(leaving));
	out += "],\"omitted\":";
	append_integer(out, static_cast<std::int64_t>(gone.empty() ? gone_uncounted : 0));
	out += '}';
	if (gone.empty()) gone_uncounted = 0;
	more = has_news();
	return out;
}

void Table::forget_news()
{
	for (Entry *e : news)
		if (e) e->news = Entry::News::none;
	news.clear();
	gone.clear();
	gone_uncounted = 0;
}

void Table::expire_histories(std::int64_t now_ms)
{
	for (Entry *e : by_time)
		if (e->changed_at_ms < now_ms - History::kept_ms) e->history.clear();
}

std::int64_t Table::spacing_ms() const noexcept
{
	// About half a million readings in the whole table at most (12 MB): 2 s apart in a small one, 12 s among 20,000.
	constexpr std::size_t budget = 500'000;
	const auto each = static_cast<std::int64_t>(std::clamp<std::size_t>(budget / std::max<std::size_t>(size(), 1), 4, 150));
	return History::kept_ms / each;
}

} // namespace devices
