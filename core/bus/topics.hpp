// Topics: named JSON values with a sequence number. The last value is kept, changes are pushed.
#pragma once
#include "host/scope.hpp"
#include "reactor/reactor.hpp"
#include "result.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace core {

/// One value as it was published. Shared by all who deliver it; never changes, but text and JSON are made of each other
/// when first asked for, once.
class Value final {
public:
	Value(std::uint64_t seq_, std::int64_t time_ms_, pb::Json json_) : seq(seq_), time_ms(time_ms_), made_json(std::move(json_)) {}
	Value(std::uint64_t seq_, std::int64_t time_ms_, std::string text_) : seq(seq_), time_ms(time_ms_), made_text(std::move(text_)), has_text(true) {}
	const std::uint64_t seq;
	const std::int64_t time_ms;
	[[nodiscard]] const std::string &text() const;
	[[nodiscard]] const json_t *json() const;

private:
	mutable pb::Json made_json;
	mutable std::string made_text;
	mutable bool has_text = false;
};
using ValueRef = std::shared_ptr<const Value>; // shared: a value may still be on its way to clients when the next one comes

class TopicItem;

/// A name and its kept value. Exists while somebody provides it.
struct Topic {
	std::string name;
	ValueRef value;                     // null until the first publish, and always for transient ones
	std::vector<TopicItem *> providers; // the last one publishes: two only while an instance is replaced
	std::size_t watchers = 0;
	[[nodiscard]] const TopicItem &owner() const noexcept { return *providers.back(); }
};

class Topics;

/// The right to publish under a name. Freed with its scope.
class TopicItem final : public pb_item {
public:
	TopicItem(Scope &scope, Topics &topics, Topic &topic, std::string help, std::uint32_t flags, pb_watch_fn *on_watch, void *self);
	~TopicItem() override;
	Topics &topics;
	Topic &topic;
	const std::string help;
	const std::uint32_t flags;
	pb_watch_fn *const on_watch;
	void *const self;
	bool told_watched = false;
};

/// A look at all topics that match a pattern. `on_value` gets each change; (name, nullptr) when a topic is gone.
/// Kept values come first, after the present callback. Freed with its scope, or by its owner.
class Subscription final : public pb_item {
public:
	using OnValue = Bound<const Topic &, const ValueRef &>;
	~Subscription() override;
	const std::string pattern;
	/// False: does not count as somebody looking (for those who only record).
	const bool is_watching;

private:
	friend class Topics;
	Subscription(Scope &scope, Topics &topics, std::string pattern, OnValue on_value, bool is_watching, std::shared_ptr<void> keeps);
	Topics &topics;
	OnValue on_value;
	std::shared_ptr<void> keeps; // what on_value is bound to, where nobody else owns it
	std::uint64_t primed_at = 0; // kept values up to this sequence were handed over when it began
	bool is_primed = false;
};

/// All topics. Loop thread. Delivers after the callback that published, in order.
class Topics final {
public:
	Topics(Reactor &reactor, std::uint64_t first_seq);
	Topics(const Topics &) = delete;
	Topics &operator=(const Topics &) = delete;
	~Topics();

	Result<TopicItem *> add(
		Scope &scope, std::string_view name, std::string_view help, std::uint32_t flags, pb_watch_fn *on_watch = nullptr, void *self = nullptr);
	void publish(TopicItem &item, pb::Json value);
	void publish_text(TopicItem &item, std::string text);
	Result<Subscription *> subscribe(
		Scope &scope, std::string_view pattern, Subscription::OnValue on_value, bool is_watching = true, std::shared_ptr<void> keeps = {});

	[[nodiscard]] const Topic *find(std::string_view name) const;
	[[nodiscard]] const std::map<std::string, Topic, std::less<>> &all() const noexcept { return topics; }
	[[nodiscard]] std::uint64_t last_seq() const noexcept { return seq; }
	std::uint64_t published = 0, dropped_same = 0;

private:
	friend class TopicItem;
	friend class Subscription;
	struct Delivery {
		std::string name;
		ValueRef value;
	};
	void publish(TopicItem &item, ValueRef value);
	void schedule();
	void deliver();
	void deliver_to(Subscription &s, const Topic &topic, const ValueRef &value);
	void count_watchers(Subscription &s, int by);
	void tell_watched(Topic &topic);
	void tell_watched_later(const std::string &name);

	Reactor &reactor;
	std::uint64_t seq;
	std::map<std::string, Topic, std::less<>> topics;
	std::vector<Subscription *> subscriptions; // null while walked: compacted after
	std::vector<Delivery> queue;
	std::vector<std::string> watch_changes;
	bool is_scheduled = false, is_walking = false;
};

} // namespace core
