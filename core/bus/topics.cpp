#include "bus/topics.hpp"

#include "bus/pattern.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace core {

const std::string &Value::text() const
{
	if (!has_text) {
		made_text = made_json.text();
		has_text = true;
	}
	return made_text;
}

const json_t *Value::json() const
{
	if (!made_json) made_json = pb::Json::parse(made_text);
	if (!made_json) made_json = pb::Json(nullptr); // a provider's ready text was no JSON
	return made_json.get();
}

TopicItem::TopicItem(Scope &scope_, Topics &topics_, Topic &topic_, std::string help_, std::uint32_t flags_, pb_watch_fn *on_watch_, void *self_)
	: pb_item(scope_, Kind::topic), topics(topics_), topic(topic_), help(std::move(help_)), flags(flags_), on_watch(on_watch_), self(self_)
{
	topic.providers.push_back(this);
	topics.tell_watched_later(topic.name);
}

TopicItem::~TopicItem()
{
	std::erase(topic.providers, this);
	if (!topic.providers.empty()) {
		topics.tell_watched_later(topic.name);
		return;
	}
	const std::string name = topic.name;
	topics.topics.erase(name); // `topic` ends here
	topics.queue.push_back({name, nullptr});
	topics.schedule();
}

Subscription::Subscription(Scope &scope_, Topics &topics_, std::string pattern_, OnValue on_value_, bool is_watching_, std::shared_ptr<void> keeps_)
	: pb_item(scope_, Kind::subscription), pattern(std::move(pattern_)), is_watching(is_watching_), topics(topics_), on_value(on_value_),
	  keeps(std::move(keeps_))
{
	topics.subscriptions.push_back(this);
	topics.count_watchers(*this, 1);
	topics.schedule();
}

Subscription::~Subscription()
{
	topics.count_watchers(*this, -1);
	if (topics.is_walking) std::ranges::replace(topics.subscriptions, this, nullptr);
	else std::erase(topics.subscriptions, this);
}

Topics::Topics(Reactor &reactor_, std::uint64_t first_seq) : reactor(reactor_), seq(first_seq) {}
Topics::~Topics() = default;

Result<TopicItem *> Topics::add(Scope &scope, std::string_view name, std::string_view help, std::uint32_t flags, pb_watch_fn *on_watch, void *self)
{
	if (!is_topic_name(name)) return fail(fmt::format("topic \"{}\": not a name; parts of letters, digits and ._:@- joined by /", name), 400);
	auto [i, is_new] = topics.try_emplace(std::string(name));
	Topic &topic = i->second;
	if (!is_new && topic.owner().scope.plugin != scope.plugin)
		return fail(fmt::format("topic \"{}\" is taken by plugin {}", name, topic.owner().scope.plugin), 409);
	if (!is_new && &topic.owner().scope == &scope) return fail(fmt::format("topic \"{}\" is there already", name), 409);
	if (is_new) {
		topic.name = name;
		for (const Subscription *s : subscriptions)
			if (s && s->is_watching && matches(s->pattern, name)) ++topic.watchers;
	}
	return new TopicItem(scope, *this, topic, std::string(help), flags, on_watch, self); // freed by its scope
}

void Topics::publish(TopicItem &item, pb::Json json)
{
	if (!json) json = pb::Json(nullptr);
	const ValueRef &last = item.topic.value;
	if ((item.flags & PB_DROP_SAME) != 0 && last && json_equal(last->json(), json.get())) {
		++dropped_same;
		return;
	}
	publish(item, std::make_shared<const Value>(++seq, pb::unix_ms(), std::move(json)));
}

void Topics::publish_text(TopicItem &item, std::string text)
{
	const ValueRef &last = item.topic.value;
	if ((item.flags & PB_DROP_SAME) != 0 && last && last->text() == text) {
		++dropped_same;
		return;
	}
	publish(item, std::make_shared<const Value>(++seq, pb::unix_ms(), std::move(text)));
}

void Topics::publish(TopicItem &item, ValueRef value)
{
	if (item.topic.providers.back() != &item) return; // replaced: the new instance speaks
	++published;
	if ((item.flags & PB_TRANSIENT) == 0) item.topic.value = value;
	queue.push_back({item.topic.name, std::move(value)});
	schedule();
}

Result<Subscription *> Topics::subscribe(Scope &scope, std::string_view pattern, Subscription::OnValue on_value, bool is_watching, std::shared_ptr<void> keeps)
{
	if (!is_pattern(pattern)) return fail(fmt::format("pattern \"{}\": not one; as a topic's name, with * for one part and ** for any", pattern), 400);
	return new Subscription(scope, *this, std::string(pattern), on_value, is_watching, std::move(keeps)); // freed by its scope
}

const Topic *Topics::find(std::string_view name) const
{
	const auto i = topics.find(name);
	return i == topics.end() ? nullptr : &i->second;
}

void Topics::schedule()
{
	if (std::exchange(is_scheduled, true)) return;
	reactor.defer([this] { deliver(); });
}

// A callback may publish, subscribe and unsubscribe: the queue is taken first, and the list is walked by index with ended
// subscriptions nulled until the walk is over.
void Topics::deliver()
{
	is_scheduled = false;
	const std::vector<Delivery> batch = std::exchange(queue, {});
	const auto changes = std::exchange(watch_changes, {});
	for (const std::string &name : changes)
		if (const auto i = topics.find(name); i != topics.end()) tell_watched(i->second);
	is_walking = true;
	for (std::size_t n = 0; n < subscriptions.size(); ++n) {
		if (!subscriptions[n] || subscriptions[n]->is_primed) continue;
		subscriptions[n]->is_primed = true;
		subscriptions[n]->primed_at = seq;
		std::vector<std::string> names; // copied: the callback may add topics
		for (const auto &[name, topic] : topics)
			if (topic.value && matches(subscriptions[n]->pattern, name)) names.push_back(name);
		for (const std::string &name : names) {
			const auto i = topics.find(name);
			if (subscriptions[n] && i != topics.end() && i->second.value) deliver_to(*subscriptions[n], i->second, ValueRef(i->second.value));
		}
	}
	for (const Delivery &d : batch) {
		const auto i = topics.find(d.name);
		Topic gone;
		gone.name = d.name;
		const bool is_gone = !d.value;
		if (is_gone != (i == topics.end()) && is_gone) continue; // it came back in the same turn
		for (std::size_t n = 0; n < subscriptions.size(); ++n) {
			Subscription *s = subscriptions[n];
			if (!s || !s->is_primed || (d.value && d.value->seq <= s->primed_at) || !matches(s->pattern, d.name)) continue;
			const auto now = topics.find(d.name); // again: a callback may have removed it
			deliver_to(*s, now == topics.end() ? gone : now->second, d.value);
		}
	}
	is_walking = false;
	std::erase(subscriptions, nullptr);
}

void Topics::deliver_to(Subscription &s, const Topic &topic, const ValueRef &value)
{
	const Charge charge(reactor, s.scope.account);
	s.on_value(topic, value);
}

void Topics::count_watchers(Subscription &s, int by)
{
	if (!s.is_watching) return;
	for (auto &[name, topic] : topics) {
		if (!matches(s.pattern, name)) continue;
		topic.watchers = by > 0 ? topic.watchers + 1 : topic.watchers - 1;
		tell_watched_later(name);
	}
}

void Topics::tell_watched_later(const std::string &name)
{
	watch_changes.push_back(name);
	schedule();
}

void Topics::tell_watched(Topic &topic)
{
	TopicItem &item = *topic.providers.back();
	const bool is_watched = topic.watchers > 0;
	if (!item.on_watch || item.told_watched == is_watched) return;
	item.told_watched = is_watched;
	const Charge charge(reactor, item.scope.account);
	item.on_watch(item.self, is_watched ? 1 : 0);
}

} // namespace core
