// patchbay/scope.hpp: what a plugin instance can ask of its host: log, methods of others, state, files, workers.
#pragma once
#include <patchbay/error.hpp>
#include <patchbay/json.hpp>
#include <patchbay/plugin.h>

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace pb {

/// How a call or a state operation ended. A look at BORROWED data: valid in the callback alone.
class Result {
public:
	explicit Result(const pb_result *r) noexcept : result(r) {}
	[[nodiscard]] bool ok() const noexcept { return result->err == nullptr; }
	[[nodiscard]] const pb_error *error() const noexcept { return result->err; }
	[[nodiscard]] const json_t *json() const noexcept { return result->json; }
	[[nodiscard]] std::string_view text() const noexcept { return {result->text ? result->text : "", result->size}; }

private:
	const pb_result *result;
};

/// One plugin instance as the host sees it. Collects the errors of all registrations; start fails with them together.
/// What is passed as a callable here is owned by the scope: it is freed after its call, or with the scope if that ends first.
class Scope {
public:
	using Done = std::function<void(const Result &)>;

	Scope(const pb_host *host_, pb_scope *raw_) noexcept : host(host_), raw(raw_) {}
	Scope(const Scope &) = delete;
	Scope &operator=(const Scope &) = delete;

	void note(const pb_error &e)
	{
		errors += errors.empty() ? "" : "; ";
		errors += e.text;
	}

	void log(pb_level level, const std::string &text, const Json &fields = {}) noexcept { host->log(raw, level, text.c_str(), fields.get()); }
	void error(const std::string &text, const Json &fields = {}) noexcept { log(PB_ERROR, text, fields); }
	void warn(const std::string &text, const Json &fields = {}) noexcept { log(PB_WARN, text, fields); }
	void info(const std::string &text, const Json &fields = {}) noexcept { log(PB_INFO, text, fields); }
	void debug(const std::string &text, const Json &fields = {}) noexcept { log(PB_DEBUG, text, fields); }
	[[nodiscard]] event_base *base() const noexcept { return host->base(raw); }

	/// Calls a method of any plugin. timeout 0: 30 s.
	void call(const char *method, Json args, Done done = {}, milliseconds timeout = {}, uint32_t flags = 0)
	{
		host->call(raw, method, args.release(), timeout.count(), flags, &Scope::on_done, keep(std::move(done)));
	}
	void put(const char *key, Json value, Done done = {}, uint32_t flags = 0)
	{
		host->state_put(raw, key, value.release(), flags, &Scope::on_done, keep(std::move(done)));
	}
	void get(const char *key, Done done) { host->state_get(raw, key, &Scope::on_done, keep(std::move(done))); }
	void list(const char *prefix, Done done) { host->state_list(raw, prefix, &Scope::on_done, keep(std::move(done))); }
	void remove(const char *key, Done done = {}, uint32_t flags = 0) { host->state_remove(raw, key, flags, &Scope::on_done, keep(std::move(done))); }
	void append(const char *journal, Json value, Done done = {}, uint32_t flags = 0)
	{
		host->journal_append(raw, journal, value.release(), flags, &Scope::on_done, keep(std::move(done)));
	}
	void read(const char *journal, std::int64_t after, std::int64_t limit, Done done)
	{
		host->journal_read(raw, journal, after, limit, &Scope::on_done, keep(std::move(done)));
	}
	void trim(const char *journal, std::int64_t keep_newest, Done done = {})
	{
		host->journal_trim(raw, journal, keep_newest, &Scope::on_done, keep(std::move(done)));
	}
	void replace_file(const std::string &path, std::string_view data, uint32_t mode, uint32_t flags = 0, Done done = {})
	{
		host->file_replace(raw, path.c_str(), data.data(), data.size(), mode, flags, &Scope::on_done, keep(std::move(done)));
	}
	void append_file(const std::string &path, std::string_view data, uint32_t mode, uint32_t flags = 0, Done done = {})
	{
		host->file_append(raw, path.c_str(), data.data(), data.size(), mode, flags, &Scope::on_done, keep(std::move(done)));
	}
	/// job on a worker, then done on the loop; what job gives is what done gets. Neither may throw. False: refused (logged).
	template<typename J, typename D> bool work(J job, D done)
	{
		using Out = std::invoke_result_t<J &>;
		struct Task {
			J job;
			D done;
			std::conditional_t<std::is_void_v<Out>, bool, std::optional<Out>> out{};
		};
		auto task = std::make_unique<Task>(Task{std::move(job), std::move(done), {}});
		pb_error e{};
		e.struct_size = sizeof e;
		const int refused = host->work(
			raw,
			[](void *s) noexcept {
				auto *t = static_cast<Task *>(s);
				if constexpr (std::is_void_v<Out>) t->job();
				else t->out.emplace(t->job());
			},
			[](void *s) noexcept {
				const std::unique_ptr<Task> t(static_cast<Task *>(s));
				if constexpr (std::is_void_v<Out>) t->done();
				else t->done(std::move(*t->out));
			},
			task.get(), &e);
		if (refused != 0) {
			warn(e.text);
			return false;
		}
		(void)task.release(); // done frees it, and always comes
		return true;
	}

	const pb_host *const host;
	pb_scope *const raw;
	std::string errors;

private:
	struct Pending {
		Scope *scope;
		Done done;
		std::list<Pending>::iterator here;
	};
	Pending *keep(Done done)
	{
		pending.push_front({this, std::move(done), {}});
		pending.front().here = pending.begin();
		return &pending.front();
	}
	static void on_done(void *self, const pb_result *result) noexcept
	{
		auto *p = static_cast<Pending *>(self);
		Scope *s = p->scope;
		std::list<Pending> mine;
		mine.splice(mine.begin(), s->pending, p->here);
		if (p->done) detail::guarded([&] { p->done(Result(result)); }, [&](const pb_error &e) { s->error(std::string("a callback failed: ") + e.text); });
	}
	std::list<Pending> pending;
};

} // namespace pb
