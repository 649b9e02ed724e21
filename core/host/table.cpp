// The host table: each function of pb_host, put onto the core's parts.
#include "build_config.hpp"
#include "host/services.hpp"
#include "http/server.hpp"
#include "reactor/watch.hpp"

#include <patchbay/plugin.h>

#include <cstdio>

namespace core::host {

namespace {

HostScope &host_scope(pb_scope *s) { return static_cast<HostScope &>(*s); }

void fill(pb_error *out, const Error &e) noexcept
{
	if (!out) return;
	*out = {};
	pb::detail::fill(*out, e.status, e.code, e.text);
}

/// The item, or NULL with err filled.
template<typename T> pb_item *given(Result<T *> result, pb_error *err)
{
	if (result) return *result;
	fill(err, result.error());
	return nullptr;
}

struct TimerItem final : pb_item {
	TimerItem(HostScope &s, pb_tick_fn *fn_, void *self_)
		: pb_item(s, Kind::timer), fn(fn_), self(self_), timer(s.services.reactor, s.account, bind<&TimerItem::on_timer>(this))
	{}
	void on_timer() noexcept { fn(self); }
	pb_tick_fn *fn;
	void *self;
	Timer timer;
};

struct FdItem final : pb_item {
	FdItem(HostScope &s, int fd, pb_fd_fn *fn_, void *self_)
		: pb_item(s, Kind::fd), fn(fn_), self(self_), watch(s.services.reactor, s.account, fd, bind<&FdItem::on_ready>(this))
	{}
	void on_ready(int fd, std::uint32_t what) noexcept { fn(self, fd, what); }
	pb_fd_fn *fn;
	void *self;
	FdWatch watch;
};

/// A plugin's function behind a core subscription.
struct ValueCallback {
	pb_value_fn *fn;
	void *self;
	bool as_text;
	void on_value(const Topic &topic, const ValueRef &value) noexcept
	{
		pb_value v{sizeof(pb_value), topic.name.c_str(), 0, 0, nullptr, nullptr, 0};
		if (value) {
			v.seq = value->seq;
			v.time_ms = value->time_ms;
			if (as_text) {
				v.text = value->text().c_str();
				v.size = value->text().size();
			} else {
				v.json = value->json();
			}
		}
		fn(self, &v);
	}
};

/// A plugin's done function: called once, under its account, unless its scope has ended.
struct DoneCallback {
	std::weak_ptr<HostScope *> scope;
	pb_done_fn *fn;
	void *self;
	template<typename F> void call(F fill_result) const
	{
		const auto alive = scope.lock();
		if (!alive || !fn) return;
		HostScope &s = **alive;
		const Charge charge(s.services.reactor, s.account);
		pb_result r{sizeof(pb_result), nullptr, nullptr, nullptr, 0};
		fill_result(r);
		fn(self, &r);
	}
	void failed(const Error &e) const
	{
		pb_error err{};
		pb::detail::fill(err, e.status, e.code, e.text, e.details.get());
		call([&](pb_result &r) { r.err = &err; });
	}
	void operator()(const Result<pb::Json> &result) const
	{
		if (!result) return failed(result.error());
		call([&](pb_result &r) { r.json = result->get(); });
	}
};

DoneCallback done_of(pb_scope *s, pb_done_fn *fn, void *self) { return {host_scope(s).alive, fn, self}; }

event_base *base(pb_scope *s) { return host_scope(s).services.reactor.base(); }

pb_item *add_timer(pb_scope *s, pb_tick_fn *fn, void *self, pb_error *) { return new TimerItem(host_scope(s), fn, self); }

void set_timer(pb_item *item, int64_t first_ms, int64_t every_ms)
{
	Timer &t = static_cast<TimerItem *>(item)->timer;
	if (first_ms < 0) t.stop();
	else t.set(std::chrono::milliseconds(first_ms), std::chrono::milliseconds(every_ms));
}

pb_item *add_fd(pb_scope *s, int fd, pb_fd_fn *fn, void *self, pb_error *err)
{
	if (fd < 0) {
		fill(err, {"add_fd: not a descriptor", 400, {}, {}});
		return nullptr;
	}
	return new FdItem(host_scope(s), fd, fn, self);
}

void set_fd(pb_item *item, uint32_t what) { static_cast<FdItem *>(item)->watch.watch(what); }

void inject(pb_scope *s, pb_tick_fn *fn, void *self)
{
	HostScope &scope = host_scope(s);
	scope.services.reactor.inject([weak = std::weak_ptr(scope.alive), fn, self] {
		const auto alive = weak.lock();
		if (!alive) return;
		const Charge charge((**alive).services.reactor, (**alive).account);
		fn(self);
	});
}

int work(pb_scope *s, pb_tick_fn *job, pb_tick_fn *done, void *self, pb_error *err)
{
	HostScope &scope = host_scope(s);
	const bool is_taken = scope.services.pool.submit([job, self] { job(self); }, [&scope, done, self] { // the scope waits for its jobs
		{
			const Charge charge(scope.services.reactor, scope.account);
			done(self);
		}
		if (--scope.jobs == 0) scope.on_idle();
	});
	if (!is_taken) {
		fill(err, {"the worker pool's queue is full; try again later", 503, {}, {}});
		return -1;
	}
	++scope.jobs;
	return 0;
}

void log(pb_scope *s, int level, const char *text, const json_t *fields)
{
	const auto at = level < PB_ERROR || level > PB_DEBUG ? PB_INFO : static_cast<pb_level>(level);
	host_scope(s).services.log.write(at, s->plugin, text ? text : "", fields);
}

void drop(pb_item *item) { delete item; }

pb_item *add_topic(pb_scope *s, const pb_topic *t, pb_error *err)
{
	return given(host_scope(s).services.topics.add(*s, t->name ? t->name : "", t->help ? t->help : "", t->flags, t->on_watch, t->self), err);
}

void publish(pb_item *topic, json_t *value)
{
	auto *item = static_cast<TopicItem *>(topic);
	item->topics.publish(*item, pb::Json::own(value));
}

void publish_text(pb_item *topic, const char *json, size_t size)
{
	auto *item = static_cast<TopicItem *>(topic);
	item->topics.publish_text(*item, std::string(json, size));
}

pb_item *subscribe(pb_scope *s, const char *pattern, uint32_t flags, pb_value_fn *fn, void *self, pb_error *err)
{
	const auto callback = std::make_shared<ValueCallback>(ValueCallback{fn, self, (flags & PB_AS_TEXT) != 0}); // shared: kept as void
	return given(host_scope(s).services.topics.subscribe(
					 *s, pattern ? pattern : "", bind<&ValueCallback::on_value>(callback.get()), (flags & PB_UNWATCHED) == 0, callback),
		err);
}

pb_item *add_method(pb_scope *s, const pb_method *m, pb_error *err) { return given(host_scope(s).services.methods.add(*s, *m), err); }

void call(pb_scope *s, const char *method, json_t *args, int64_t timeout_ms, uint32_t flags, pb_done_fn *fn, void *self)
{
	HostScope &scope = host_scope(s);
	const bool as_text = (flags & PB_AS_TEXT) != 0;
	scope.services.methods.call(method ? method : "", pb::Json::own(args), {"", scope.plugin, PB_ADMIN, &scope}, std::chrono::milliseconds(timeout_ms),
		[done = done_of(s, fn, self), as_text](Result<Outcome> outcome) {
			if (!outcome) return done.failed(outcome.error());
			done.call([&](pb_result &r) {
				if (as_text) {
					r.text = outcome->text().c_str();
					r.size = outcome->text().size();
				} else {
					r.json = outcome->json();
				}
			});
		});
}

void reply(pb_call *c, json_t *value) { c->methods.reply(c, Outcome(pb::Json::own(value ? value : json_null()))); }
void reply_text(pb_call *c, const char *json, size_t size) { c->methods.reply(c, Outcome(std::string(json, size))); }

void fail_call(pb_call *c, const pb_error *e)
{
	c->methods.reply(c, tl::unexpected<Error>(Error{e->text, e->status, e->code, e->details ? pb::Json::share(e->details) : pb::Json()}));
}

void on_cancel(pb_call *c, pb_tick_fn *fn, void *self)
{
	c->on_cancel = fn;
	c->on_cancel_self = self;
}

const pb_caller *caller(const pb_call *c) { return &c->caller; }

void state_put(pb_scope *s, const char *key, json_t *value, uint32_t flags, pb_done_fn *fn, void *self)
{
	host_scope(s).services.store.put(s->plugin, key, pb::Json::own(value), (flags & PB_DURABLE) != 0, done_of(s, fn, self));
}
void state_get(pb_scope *s, const char *key, pb_done_fn *fn, void *self) { host_scope(s).services.store.get(s->plugin, key, done_of(s, fn, self)); }
void state_list(pb_scope *s, const char *prefix, pb_done_fn *fn, void *self) { host_scope(s).services.store.list(s->plugin, prefix, done_of(s, fn, self)); }
void state_remove(pb_scope *s, const char *key, uint32_t flags, pb_done_fn *fn, void *self)
{
	host_scope(s).services.store.remove(s->plugin, key, (flags & PB_DURABLE) != 0, done_of(s, fn, self));
}
void journal_append(pb_scope *s, const char *journal, json_t *value, uint32_t flags, pb_done_fn *fn, void *self)
{
	host_scope(s).services.store.append(s->plugin, journal, pb::Json::own(value), (flags & PB_DURABLE) != 0, done_of(s, fn, self));
}
void journal_read(pb_scope *s, const char *journal, int64_t after, int64_t limit, pb_done_fn *fn, void *self)
{
	host_scope(s).services.store.read(s->plugin, journal, after, limit, done_of(s, fn, self));
}
void journal_trim(pb_scope *s, const char *journal, int64_t keep, pb_done_fn *fn, void *self)
{
	host_scope(s).services.store.trim(s->plugin, journal, keep, done_of(s, fn, self));
}
void file_replace(pb_scope *s, const char *path, const void *data, size_t size, uint32_t mode, uint32_t flags, pb_done_fn *fn, void *self)
{
	host_scope(s).services.files.replace(path, std::string(static_cast<const char *>(data), size), mode, (flags & PB_DURABLE) != 0, done_of(s, fn, self));
}
void file_append(pb_scope *s, const char *path, const void *data, size_t size, uint32_t mode, uint32_t flags, pb_done_fn *fn, void *self)
{
	host_scope(s).services.files.append(path, std::string(static_cast<const char *>(data), size), mode, (flags & PB_DURABLE) != 0, done_of(s, fn, self));
}

} // namespace

void HostScope::end() noexcept
{
	alive.reset();
	clear();
	services.methods.forget(*this);
	services.http.forget(*this);
}

void fill_table(Services &services)
{
	services.table = {sizeof(pb_host), PB_ABI_MAJOR, PB_ABI_MINOR, PATCHBAY_VERSION, services.http.table(), base, add_timer, set_timer, add_fd, set_fd, inject,
		work, log, drop, add_topic, publish, publish_text, subscribe, add_method, call, reply, reply_text, fail_call, on_cancel, caller, state_put, state_get,
		state_list, state_remove, journal_append, journal_read, journal_trim, file_replace, file_append, services.state_dir.c_str()};
}

} // namespace core::host
