// A host of a few functions for what is above the border: time that a test moves, jobs that run when it says so.
#pragma once
#include <patchbay/patchbay.hpp>

#include <algorithm>
#include <deque>
#include <list>
#include <optional>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

/// One method call as a test makes it: how it ended.
struct pb_call {
	bool has_ended = false;
	pb::Json value;
	int status = 200;
	std::string code, text;
	pb_tick_fn *on_cancel = nullptr;
	void *cancel_self = nullptr;
};

class ToyHost final {
public:
	ToyHost()
	{
		table.struct_size = sizeof table;
		table.add_timer = [](pb_scope *s, pb_tick_fn *f, void *self, pb_error *) { return of(s)->add_timer(f, self); };
		table.set_timer = [](pb_item *i, int64_t first, int64_t every) { reinterpret_cast<Timer *>(i)->set(first, every); };
		table.add_fd = [](pb_scope *s, int, pb_fd_fn *, void *, pb_error *) { return of(s)->add_timer(nullptr, nullptr); };
		table.set_fd = [](pb_item *, uint32_t) {};
		table.drop = [](pb_item *i) {
			auto *t = reinterpret_cast<Timer *>(i);
			t->host->timers.remove_if([t](const Timer &x) { return &x == t; });
		};
		table.log = [](pb_scope *, int, const char *, const json_t *) {};
		table.work = [](pb_scope *s, pb_tick_fn *job, pb_tick_fn *done, void *self, pb_error *) {
			of(s)->jobs.push_back({job, done, self});
			return 0;
		};
		table.reply = [](pb_call *c, json_t *v) {
			end(c);
			c->value = pb::Json::own(v);
		};
		table.fail = [](pb_call *c, const pb_error *e) {
			end(c);
			c->status = e->status;
			c->code = e->code;
			c->text = e->text;
		};
		table.on_cancel = [](pb_call *c, pb_tick_fn *f, void *self) {
			c->on_cancel = f;
			c->cancel_self = self;
		};
	}

	/// As in a crash: what is under way is never finished, nor freed.
	~ToyHost()
	{
#ifdef __SANITIZE_ADDRESS__
		for (const Job &job : jobs) __lsan_ignore_object(job.self);
#endif
	}
	ToyHost(const ToyHost &) = delete;
	ToyHost &operator=(const ToyHost &) = delete;

	[[nodiscard]] pb_scope *raw() noexcept { return reinterpret_cast<pb_scope *>(this); }
	pb_host table{};

	/// The next job and its end, or the next timer that is due. False: there is nothing more to do now.
	bool turn()
	{
		if (!jobs.empty()) {
			const Job job = jobs.front();
			jobs.pop_front();
			job.run(job.self);
			job.done(job.self);
			return true;
		}
		for (Timer &t : timers) {
			if (t.at < 0 || t.at > now_ms) continue;
			t.at = t.every > 0 ? now_ms + t.every : -1;
			if (t.call) t.call(t.self);
			return true;
		}
		return false;
	}
	void settle()
	{
		for (int i = 0; i < 10000 && turn(); ++i) {}
	}
	/// Time passes, and what falls due is done.
	void pass(std::int64_t ms)
	{
		const std::int64_t end = now_ms + ms;
		for (;;) {
			settle();
			if (now_ms == end) return;
			std::int64_t next = end;
			for (const Timer &t : timers) {
				if (t.at > now_ms) next = std::min(next, t.at);
			}
			now_ms = next;
		}
	}

private:
	struct Timer {
		ToyHost *host;
		pb_tick_fn *call;
		void *self;
		std::int64_t at = -1, every = 0;
		void set(std::int64_t first, std::int64_t every_)
		{
			at = first < 0 ? -1 : host->now_ms + first;
			every = every_;
		}
	};
	struct Job {
		pb_tick_fn *run, *done;
		void *self;
	};
	static ToyHost *of(pb_scope *s) noexcept { return reinterpret_cast<ToyHost *>(s); }
	static void end(pb_call *c)
	{
		if (c->has_ended) std::abort(); // answered twice
		c->has_ended = true;
	}
	pb_item *add_timer(pb_tick_fn *call, void *self)
	{
		timers.push_back({this, call, self});
		return reinterpret_cast<pb_item *>(&timers.back());
	}
	std::list<Timer> timers;
	std::deque<Job> jobs;
	std::int64_t now_ms = 0;
};
