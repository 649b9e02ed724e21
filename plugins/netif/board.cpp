#include "board.hpp"

namespace netif {

using namespace std::chrono_literals;

namespace {
constexpr milliseconds interval = 50ms; // at most that often, however fast links come and go

/// Names of interfaces may hold what names of topics may not.
std::string topic_of(const std::string &name)
{
	std::string out = "netif/";
	for (const char c : name) {
		const bool is_good =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == ':' || c == '@' || c == '-';
		out += is_good ? c : '_';
	}
	return out;
}
} // namespace

Board::Board(pb::Scope &scope_, Source &source_)
	: scope(scope_), source(source_), summary(scope_, "netif/summary", "all interfaces", PB_DROP_SAME, pb::bind<&Board::on_summary_watch>(this)),
	  flush(scope_, pb::bind<&Board::on_flush>(this))
{}

Board::~Board()
{
	is_ending = true; // its source may be half destroyed
	shown.clear();
}

void Board::Shown::on_watch(int is_watched_) noexcept
{
	if (is_watched == (is_watched_ != 0)) return;
	is_watched = is_watched_ != 0;
	board.watchers_changed(is_watched ? 1 : -1);
}

void Board::on_summary_watch(int is_watched) noexcept { watchers_changed(is_watched != 0 ? 1 : -1); }

void Board::watchers_changed(int by) noexcept
{
	const bool was_watched = watchers > 0;
	watchers = std::max(0, watchers + by);
	if (!is_ending && was_watched != (watchers > 0)) source.on_watched(watchers > 0);
}

void Board::mark(int index) noexcept
{
	dirty.insert(index);
	if (is_planned) return;
	is_planned = true;
	const auto since = std::chrono::steady_clock::now() - last_flush;
	flush.once(since >= interval ? 0ms : interval);
}

void Board::on_flush() noexcept
{
	is_planned = false;
	last_flush = std::chrono::steady_clock::now();
	pb::detail::guarded(
		[&] {
			for (std::size_t i = 0; i < most_at_once && !dirty.empty(); ++i) renew(dirty.extract(dirty.begin()).value());
			if (dirty.empty()) return publish_summary();
			is_planned = true;
			flush.once(0ms); // the rest next turn
		},
		[&](const pb_error &e) { scope.error(std::string("publishing: ") + e.text); });
}

void Board::flush_all()
{
	if (dirty.empty()) return;
	while (!dirty.empty()) renew(dirty.extract(dirty.begin()).value());
	publish_summary();
}

void Board::renew(int index)
{
	const pb::Json value = source.describe(index);
	const auto found = shown.find(index);
	if (!value) {
		if (found != shown.end()) shown.erase(found);
		return;
	}
	const std::string name(pb::text_at(value.get(), "name"));
	if (found == shown.end() || found->second->name != name) {
		// A name that has moved on: its earlier bearer gives the topic up first.
		std::erase_if(shown, [&](const auto &s) { return s.first == index || s.second->name == name; });
		shown.emplace(index, std::make_unique<Shown>(scope, *this, name, topic_of(name)));
	}
	Shown &one = *shown[index];
	one.text = value.text();
	one.topic.publish_text(one.text);
}

std::string Board::list() const
{
	std::string out = "{\"interfaces\":[";
	for (const auto &[index, one] : shown) {
		if (out.back() == '}') out += ',';
		out += one->text;
	}
	return out + "]}";
}

const std::string *Board::entry(std::string_view name) const
{
	for (const auto &[index, one] : shown) {
		if (one->name == name) return &one->text;
	}
	return nullptr;
}

void Board::publish_summary() { summary.publish_text(list()); }

} // namespace netif
