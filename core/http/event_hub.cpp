#include "http/event_hub.hpp"

#include "bus/pattern.hpp"
#include "http/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace core::http {

namespace {
constexpr std::chrono::milliseconds most_at_once{5}; // then others have their turn
constexpr std::size_t clients_a_look = 32;           // at the clock
} // namespace

const EventHub::Text &EventHub::Kept::as(Form form)
{
	Text &t = text[static_cast<std::size_t>(form)];
	if (!t) t = std::make_shared<const std::string>(event_text(form, name, value->seq, value->text()));
	return t;
}

bool EventHub::Group::wants(std::string_view topic) const noexcept
{
	return std::ranges::any_of(patterns, [topic](const std::string &p) { return matches(p, topic); });
}

bool EventHub::Group::will_bring(const Kept &topic, std::size_t place) const noexcept
{
	const auto is_it = [&topic](const Change &c) { return c.topic.get() == &topic; };
	return std::ranges::any_of(changes, is_it) || (place >= next && std::ranges::any_of(going, is_it));
}

EventHub::EventHub(Reactor &reactor_, Topics &topics_, Scope &scope_)
	: reactor(reactor_), topics(topics_), scope(scope_), again(reactor, bind<&EventHub::flush>(this))
{
	(void)topics.subscribe(scope, "**", bind<&EventHub::on_value>(this), false); // freed with the scope
}

EventHub::~EventHub() = default;

void EventHub::on_value(const Topic &topic, const ValueRef &value) noexcept
{
	if (!value) return on_gone(topic.name);
	last_seq = std::max(last_seq, value->seq);
	KeptRef &kept = shelf[topic.name];
	if (!kept) {
		kept = std::make_shared<Kept>();
		kept->name = topic.name;
		for (const auto &[key, group] : groups)
			if (group->wants(topic.name)) kept->groups.push_back(group.get());
	}
	kept->value = value;
	kept->is_transient = !topic.providers.empty() && (topic.owner().flags & PB_TRANSIENT) != 0;
	for (Text &t : kept->text) t.reset();
	for (Group *group : kept->groups) change(*group, {kept, value->seq, kept->as(group->form)});
}

void EventHub::on_gone(const std::string &name)
{
	const auto i = shelf.find(name);
	if (i == shelf.end()) return;
	const KeptRef kept = std::move(i->second);
	shelf.erase(i);
	kept->value.reset();
	for (Group *group : kept->groups) change(*group, {kept, last_seq + 1, std::make_shared<const std::string>(gone_text(group->form, name)), true});
}

void EventHub::change(Group &group, Change change)
{
	if (group.clients.empty()) return;
	if (group.changes.empty() && group.going.empty()) dirty.push_back(&group);
	group.changes.push_back(std::move(change));
	if (std::exchange(is_scheduled, true)) return;
	reactor.defer([this] { flush(); }); // all that this turn changes goes out together
}

void EventHub::flush() noexcept
{
	const auto until = std::chrono::steady_clock::now() + most_at_once;
	while (!dirty.empty()) {
		Group &group = *dirty.front();
		if (group.going.empty()) {
			group.going.swap(group.changes);
			group.next = 0;
			if (group.going.size() > 1)
				for (const Change &c : group.going) group.joined += *c.text;
		}
		if (!flush_some(group, until)) {
			again.once(std::chrono::milliseconds(0)); // is_scheduled stays: what changes meanwhile waits for the round
			return;
		}
		group.going.clear();
		group.joined = {};
		dirty.pop_front();
		if (!group.changes.empty()) dirty.push_back(&group);
	}
	is_scheduled = false;
}

/// False: the time is up before all have it.
bool EventHub::flush_some(Group &group, std::chrono::steady_clock::time_point until)
{
	const std::string &all = group.going.size() > 1 ? group.joined : *group.going.front().text;
	const std::uint64_t first = group.going.front().seq;
	for (std::size_t n = 1; group.next < group.clients.size(); ++n) {
		EventClient &client = *group.clients[group.next++];
		if (!client.behind && client.since < first && client.fits(all.size())) {
			client.write(all);
			sent += group.going.size();
		} else {
			for (const Change &c : group.going)
				if (c.seq > client.since) client.take(c);
		}
		if (n % clients_a_look == 0 && std::chrono::steady_clock::now() > until) return group.next == group.clients.size();
	}
	return true;
}

EventHub::Group &EventHub::group_of(Form form, const std::vector<std::string> &patterns)
{
	auto &group = groups[{form, patterns}];
	if (group) return *group;
	group = std::make_unique<Group>();
	group->form = form;
	group->patterns = patterns;
	for (const auto &[name, kept] : shelf)
		if (group->wants(name)) kept->groups.push_back(group.get());
	watch(patterns);
	return *group;
}

void EventHub::watch(const std::vector<std::string> &patterns)
{
	for (const std::string &p : patterns) {
		Watch &w = watches[p];
		if (w.users++ == 0) w.subscription = topics.subscribe(scope, p, {}).value_or(nullptr);
	}
}

void EventHub::unwatch(const std::vector<std::string> &patterns)
{
	for (const std::string &p : patterns) {
		const auto i = watches.find(p);
		if (--i->second.users != 0) continue;
		delete i->second.subscription;
		watches.erase(i);
	}
}

void EventHub::leave(EventClient &client)
{
	Group &group = *client.group;
	std::size_t hole = client.place;
	const auto move = [&group](std::size_t from, std::size_t to) {
		if (from == to) return;
		group.clients[to] = group.clients[from];
		group.clients[to]->place = to;
	};
	if (hole < group.next) { // it has had this round: another that has takes its place
		move(--group.next, hole);
		hole = group.next;
	}
	move(group.clients.size() - 1, hole);
	group.clients.pop_back();
	client.group = nullptr;
	if (!group.clients.empty()) return;
	for (const auto &[name, kept] : shelf) std::erase(kept->groups, &group);
	std::erase(dirty, &group);
	const std::vector<std::string> patterns = group.patterns;
	groups.erase({group.form, patterns});
	unwatch(patterns);
}

EventClient::EventClient(EventHub &hub_, Form form_) : hub(hub_), form(form_) { ++hub.clients; }

EventClient::~EventClient()
{
	--hub.clients;
	if (group) hub.leave(*this);
}

const std::vector<std::string> &EventClient::patterns() const noexcept
{
	static const std::vector<std::string> none;
	return group ? group->patterns : none;
}

void EventClient::choose(const std::vector<std::string> &patterns, std::uint64_t after)
{
	if (group && patterns == group->patterns) return;
	// The new group first: a topic that both want stays watched.
	EventHub::Group *next = patterns.empty() ? nullptr : &hub.group_of(form, patterns);
	if (!behind) behind = std::make_unique<Behind>();
	std::erase_if(behind->topics, [next](const Place &p) { return !next || !next->wants(p.topic->name); });
	for (const auto &[name, kept] : hub.shelf) {
		if (!next || !next->wants(name)) continue;
		const auto is_it = [&k = kept](const Place &p) { return p.topic == k; };
		const auto waiting_for = std::ranges::find_if(behind->topics, is_it);
		if (waiting_for != behind->topics.end()) {
			waiting_for->seq = kept->value->seq; // what the old group would have brought is lost with it, or had
			continue;
		}
		const bool is_known = group && group->wants(name);
		const bool is_had = std::ranges::any_of(behind->ahead, [&k = kept](const Place &p) { return p.topic == k && p.seq == k->value->seq; });
		const bool is_lost = is_known && !is_had && group->will_bring(*kept, place);
		if (is_known ? is_lost : !kept->is_transient && kept->value->seq > after) behind->topics.push_back({kept, kept->value->seq});
	}
	behind->ahead.clear();
	if (group) hub.leave(*this);
	group = next;
	since = hub.last_seq;
	if (group) {
		place = group->clients.size();
		group->clients.push_back(this);
	}
	resume();
}

/// Whether the client has had that value, or a newer one, from resume().
bool EventClient::is_ahead_of(const EventHub::Change &change)
{
	if (!behind) return false;
	const auto i = std::ranges::find_if(behind->ahead, [&change](const Place &p) { return p.topic == change.topic; });
	if (i == behind->ahead.end()) return false;
	const std::uint64_t had = i->seq;
	if (change.is_gone || change.seq >= had) behind->ahead.erase(i);
	if (change.is_gone || change.seq > had) return false;
	if (change.seq < had) {
		count_missed(1);
		resume(); // below the low-water mark nobody else would call it
	}
	return true;
}

void EventClient::take(const EventHub::Change &change)
{
	if (is_ahead_of(change)) return;
	if ((!behind || !behind->has_more()) && fits(change.text->size())) {
		write(*change.text);
		hub.sent += change.is_gone ? 0 : 1;
		return;
	}
	if (!change.is_gone) fall_behind(change); // that a topic is gone, it will see when it asks again
}

void EventClient::fall_behind(const EventHub::Change &change)
{
	const bool is_new = !behind || !behind->has_more();
	if (!behind) behind = std::make_unique<Behind>();
	const auto i = std::ranges::find_if(behind->topics, [&change](const Place &p) { return p.topic == change.topic; });
	if (i == behind->topics.end()) {
		behind->topics.push_back({change.topic, change.seq});
	} else {
		i->seq = change.seq;
		count_missed(1);
	}
	if (is_new) resume();
}

bool EventClient::say(std::string_view bytes)
{
	if ((behind && behind->has_more()) || !fits(bytes.size())) return false;
	write(bytes);
	return true;
}

/// The rest of a text that is cut. False: there is still more.
bool EventClient::send_rest()
{
	Behind &b = *behind;
	while (b.cut && fits(std::min(piece_size, b.cut->size() - b.at))) {
		const std::string_view piece = std::string_view(*b.cut).substr(b.at, piece_size);
		write(piece);
		b.at += piece.size();
		if (b.at == b.cut->size()) b.cut.reset();
	}
	return !b.cut;
}

bool EventClient::send_missed()
{
	if (behind->missed == 0) return true;
	const std::string text = lag_text(form, behind->missed);
	if (!fits(text.size())) return false;
	write(text);
	behind->missed = 0;
	return true;
}

void EventClient::send_newest(const Place &of)
{
	const EventHub::Text &text = of.topic->as(form);
	if (fits(text->size())) {
		write(*text);
	} else {
		behind->cut = text;
		behind->at = 0;
	}
	++hub.sent;
	const std::uint64_t seq = of.topic->value->seq;
	if (seq == of.seq) return;
	count_missed(1); // the one that it fell behind with
	behind->ahead.push_back({of.topic, seq});
}

void EventClient::resume()
{
	if (!behind) return;
	auto &topics = behind->topics;
	std::erase_if(topics, [](const Place &p) { return !p.topic->value; });
	std::ranges::sort(topics, {}, [](const Place &p) { return p.topic->value->seq; });
	std::size_t done = 0;
	while (send_rest() && send_missed() && done < topics.size()) {
		if (!fits(std::min(piece_size, topics[done].topic->as(form)->size()))) break;
		send_newest(topics[done++]);
	}
	topics.erase(topics.begin(), topics.begin() + static_cast<std::ptrdiff_t>(done));
	if (!behind->has_more() && behind->ahead.empty()) behind.reset();
}

Result<std::vector<std::string>> parse_patterns(std::string_view text)
{
	std::vector<std::string> out;
	while (!text.empty()) {
		const std::string_view one = take_until(text, ',');
		if (one.empty()) continue;
		if (!is_pattern(one))
			return fail(fmt::format("topics: \"{}\" is no pattern; write topics' names, with * for one part and ** for any", pb::utf8(one.substr(0, 128))), 400,
				"VALIDATION_ERROR");
		out.emplace_back(one);
	}
	if (out.empty()) out.emplace_back("**");
	std::ranges::sort(out);
	out.erase(std::unique(out.begin(), out.end()), out.end());
	if (out.size() > EventHub::most_patterns) return fail(fmt::format("topics: more than {} patterns", EventHub::most_patterns), 400, "VALIDATION_ERROR");
	return out;
}

} // namespace core::http
