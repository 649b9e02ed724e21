// patchbay/items.hpp: what a plugin registers, each an object whose destructor ends it: timers, descriptors, topics, subscriptions.
#pragma once
#include <patchbay/bind.hpp>
#include <patchbay/scope.hpp>

#include <string>
#include <string_view>

namespace pb {

/// One registration; its destructor ends it, and no callback comes after. Does not move: the host holds its address.
class Item {
public:
	Item(const Item &) = delete;
	Item &operator=(const Item &) = delete;
	explicit operator bool() const noexcept { return item != nullptr; }

protected:
	template<typename F> Item(Scope &scope, F add) : host(scope.host)
	{
		pb_error e{};
		e.struct_size = sizeof e;
		if (!(item = add(&e))) scope.note(e);
	}
	~Item()
	{
		if (item) host->drop(item);
	}
	const pb_host *host;
	pb_item *item = nullptr;
};

inline constexpr struct FromNow {
} from_now;

class Timer : public Item {
public:
	Timer(Scope &s, Bound<> on) : Item(s, [&](pb_error *e) { return s.host->add_timer(s.raw, on.call, on.self, e); }) {}
	void every(milliseconds t) noexcept
	{
		if (item) host->set_timer(item, t.count(), t.count());
	}
	void every(milliseconds t, FromNow) noexcept
	{
		if (item) host->set_timer(item, 0, t.count());
	}
	void once(milliseconds t) noexcept
	{
		if (item) host->set_timer(item, t.count(), 0);
	}
	void stop() noexcept
	{
		if (item) host->set_timer(item, -1, 0);
	}
};

/// Watches a descriptor that somebody else owns and closes, after this has gone.
class Fd : public Item {
public:
	Fd(Scope &s, int fd, Bound<int, uint32_t> on, uint32_t what = PB_READ)
		: Item(s, [&](pb_error *e) { return s.host->add_fd(s.raw, fd, on.call, on.self, e); })
	{
		watch(what);
	}
	void watch(uint32_t what) noexcept
	{
		if (item) host->set_fd(item, what);
	}
};

class Topic : public Item {
public:
	Topic(Scope &s, const char *name_, const char *help, uint32_t flags = PB_DROP_SAME, Bound<int> on_watch = {})
		: Item(s,
			  [&](pb_error *e) {
				  const pb_topic t{sizeof(pb_topic), flags, name_, help, on_watch.call, on_watch.self};
				  return s.host->add_topic(s.raw, &t, e);
			  }),
		  name(name_)
	{}
	void publish(Json value) noexcept
	{
		if (item) host->publish(item, value.release());
	}
	/// Ready, compact JSON.
	void publish_text(std::string_view json) noexcept
	{
		if (item) host->publish_text(item, json.data(), json.size());
	}
	const std::string name;
};

class Subscription : public Item {
public:
	Subscription(Scope &s, const char *pattern, Bound<const pb_value &> on_value, uint32_t flags = 0)
		: Item(s, [&](pb_error *e) { return s.host->subscribe(s.raw, pattern, flags, &Subscription::run, this, e); }), on(on_value)
	{}

private:
	static void run(void *self, const pb_value *v) noexcept
	{
		auto *s = static_cast<Subscription *>(self);
		s->on.call(s->on.self, *v);
	}
	Bound<const pb_value &> on;
};

} // namespace pb
