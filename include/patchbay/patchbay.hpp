// patchbay/patchbay.hpp: the C++ face of plugin.h and http.h. Header only; nothing of it crosses the border.
//
// A plugin is a class with a constructor (pb::Scope &, const Settings &), members that are its registrations, and
// PATCHBAY_PLUGIN under it. All on the loop thread. See docs/plugin-guide.md.
#pragma once
#include <patchbay/fields.hpp>
#include <patchbay/http.h>
#include <patchbay/json.hpp>
#include <patchbay/plugin.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace pb {

using std::chrono::milliseconds;

inline std::int64_t unix_ms() noexcept { return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count(); }

// ---- errors -----------------------------------------------------------------------------------------------------------

/// What a handler throws, or a Reply fails with: an HTTP status, a code ("" for the ordinary word), a text for people.
struct Error : std::runtime_error {
	Error(int status_, std::string code_, const std::string &text, Json details_ = {})
		: std::runtime_error(text), status(status_), code(std::move(code_)), details(details_ ? std::make_shared<Json>(std::move(details_)) : nullptr)
	{}
	int status;
	std::string code;
	std::shared_ptr<Json> details; // shared: exceptions are copied
};

namespace detail {
inline void fill(pb_error &e, int status, std::string_view code, std::string_view text, const json_t *details = nullptr) noexcept
{
	e.struct_size = sizeof e;
	e.status = status;
	std::snprintf(e.code, sizeof e.code, "%.*s", static_cast<int>(code.size()), code.data());
	std::snprintf(e.text, sizeof e.text, "%.*s", static_cast<int>(text.size()), text.data());
	e.details = details;
}
/// Runs f; the one place where exceptions end. on_error gets a filled pb_error.
template<typename F, typename E> void guarded(F &&f, E &&on_error) noexcept
{
	pb_error e{};
	try {
		f();
	} catch (const Error &x) {
		fill(e, x.status, x.code, x.what(), x.details ? x.details->get() : nullptr);
		on_error(e);
	} catch (const std::exception &x) {
		fill(e, 500, "", x.what());
		on_error(e);
	} catch (...) {
		fill(e, 500, "", "unknown exception");
		on_error(e);
	}
}
} // namespace detail

namespace detail {
/// A handle that an exception has swept out of a handler comes back to who catches it, so that the caller hears what was
/// thrown, also where the handler took its Reply or Request by value.
template<typename Raw> class Rescue {
public:
	explicit Rescue(Raw *handle_) noexcept : handle(handle_), outer(std::exchange(current, this)) {}
	~Rescue() { current = outer; }
	Rescue(const Rescue &) = delete;
	Rescue &operator=(const Rescue &) = delete;
	/// From a destructor: true where the handle is kept for take().
	static bool offer(Raw *handle) noexcept
	{
		if (!current || current->handle != handle || std::uncaught_exceptions() <= current->exceptions) return false;
		current->is_kept = true;
		return true;
	}
	Raw *take() noexcept { return is_kept ? handle : nullptr; }

private:
	Raw *handle;
	Rescue *outer;
	int exceptions = std::uncaught_exceptions();
	bool is_kept = false;
	static inline thread_local Rescue *current = nullptr;
};
} // namespace detail

// ---- callbacks --------------------------------------------------------------------------------------------------------

/// Two words: an object and a function. Does not own the object. Must not throw: nothing may escape into the loop.
template<typename... Args> struct Bound {
	void *self = nullptr;
	void (*call)(void *, Args...) noexcept = nullptr;
	void operator()(Args... args) const noexcept
	{
		if (call) call(self, std::forward<Args>(args)...);
	}
};
/// The same where the caller answers an exception with an error reply.
template<typename... Args> struct Throwing {
	void *self = nullptr;
	void (*call)(void *, Args...) = nullptr;
};

namespace detail {
template<auto F, typename C> struct Binder {
	C *self;
	template<typename... A> operator Bound<A...>() const noexcept
	{
		static_assert(noexcept((self->*F)(std::declval<A>()...)), "this callback must be noexcept: nothing may be thrown into the loop");
		return {self, [](void *s, A... a) noexcept { (static_cast<C *>(s)->*F)(std::forward<A>(a)...); }};
	}
	template<typename... A> operator Throwing<A...>() const noexcept
	{
		return {self, [](void *s, A... a) { (static_cast<C *>(s)->*F)(std::forward<A>(a)...); }};
	}
};
} // namespace detail

/// pb::bind<&X::on_timer>(this)
template<auto F, typename C> auto bind(C *self) noexcept { return detail::Binder<F, C>{self}; }

// ---- a scope ----------------------------------------------------------------------------------------------------------

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

// ---- what is registered -----------------------------------------------------------------------------------------------

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
		: Item(
			  s,
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

/// The right to answer one call, once. Moves; dropped unanswered, it answers 500. Valid even if the caller has left.
class Reply {
public:
	Reply(const pb_host *host_, pb_call *call_) noexcept : host(host_), call(call_) {}
	Reply(Reply &&o) noexcept : host(o.host), call(std::exchange(o.call, nullptr)) {}
	Reply &operator=(Reply &&o) noexcept
	{
		std::swap(host, o.host);
		std::swap(call, o.call);
		return *this;
	}
	~Reply()
	{
		if (call && !detail::Rescue<pb_call>::offer(call)) fail(500, "", "the plugin dropped the call");
	}
	void operator()(Json value) noexcept
	{
		if (call) host->reply(std::exchange(call, nullptr), value ? value.release() : json_null());
	}
	void text(std::string_view json) noexcept
	{
		if (call) host->reply_text(std::exchange(call, nullptr), json.data(), json.size());
	}
	void fail(const pb_error &e) noexcept
	{
		if (call) host->fail(std::exchange(call, nullptr), &e);
	}
	void fail(int status, std::string_view code, std::string_view text, const Json &details = {}) noexcept
	{
		pb_error e{};
		detail::fill(e, status, code, text, details.get());
		fail(e);
	}
	void on_cancel(Bound<> on) noexcept
	{
		if (call) host->on_cancel(call, on.call, on.self);
	}
	[[nodiscard]] const pb_caller &caller() const noexcept { return *host->caller(call); }
	explicit operator bool() const noexcept { return call != nullptr; }

private:
	const pb_host *host;
	pb_call *call;
};

struct MethodOptions {
	const char *help = "";
	pb_role role = PB_ROLE_DEFAULT;
	milliseconds deadline{};
};

/// A method with typed arguments: `void on_x(const Args &, pb::Reply)`; what it throws is the caller's error.
template<typename Args> class Method : public Item {
public:
	Method(Scope &s, const char *name, Throwing<const Args &, Reply &&> on_call, MethodOptions o = {})
		: Item(
			  s,
			  [&](pb_error *e) {
		const pb_method m{sizeof(pb_method), o.role, name, o.help, field_table<Args>, o.deadline.count(), &Method::run, this};
		return s.host->add_method(s.raw, &m, e);
			  }),
	on(on_call)
	{}

private:
	static void run(void *self, pb_call *call, const json_t *args) noexcept
	{
		auto *m = static_cast<Method *>(self);
		detail::Rescue<pb_call> rescue(call);
		Reply reply(m->host, call);
		detail::guarded([&] { m->on.call(m->on.self, read_fields<Args>(args), std::move(reply)); },
			[&](const pb_error &e) {
			if (pb_call *kept = rescue.take()) Reply(m->host, kept).fail(e);
			reply.fail(e);
		});
	}
	Throwing<const Args &, Reply &&> on;
};

// ---- HTTP -------------------------------------------------------------------------------------------------------------

/// One HTTP request and the right to answer it, once. Moves; dropped unanswered, it answers 500.
class Request {
public:
	Request(const pb_host *host_, pb_request *r) noexcept : host(host_), request(r) {}
	Request(Request &&o) noexcept : host(o.host), request(std::exchange(o.request, nullptr)) {}
	Request &operator=(Request &&o) noexcept
	{
		std::swap(host, o.host);
		std::swap(request, o.request);
		return *this;
	}
	~Request()
	{
		if (request && !detail::Rescue<pb_request>::offer(request)) fail(500, "", "the plugin dropped the request");
	}

	[[nodiscard]] std::string_view method() const noexcept { return view(http().method(request)); }
	[[nodiscard]] std::string_view path() const noexcept { return view(http().path(request)); }
	[[nodiscard]] std::string_view target() const noexcept { return view(http().target(request)); }
	[[nodiscard]] const char *query(const char *name) const noexcept { return http().query(request, name); }
	[[nodiscard]] const char *header(const char *name) const noexcept { return http().header(request, name); }
	[[nodiscard]] std::vector<pb_header> headers() const
	{
		std::vector<pb_header> out(http().headers(request, nullptr, 0));
		http().headers(request, out.data(), out.size());
		return out;
	}
	[[nodiscard]] std::string_view body() const noexcept
	{
		std::size_t n = 0;
		const char *b = http().body(request, &n);
		return {b, n};
	}
	[[nodiscard]] const pb_caller &caller() const noexcept { return *http().caller(request); }
	/// The further listener (pb::Listener) that it came in by; "": one of [http] listen.
	[[nodiscard]] std::string_view listener() const noexcept { return view(http().listener(request)); }

	void respond(int status, std::span<const pb_header> headers, std::string_view body) noexcept
	{
		if (request) http().respond(std::exchange(request, nullptr), status, headers.data(), headers.size(), body.data(), body.size());
	}
	void respond(int status, const char *type, std::string_view body) noexcept
	{
		const pb_header h[]{{"Content-Type", type}};
		respond(status, h, body);
	}
	void json(int status, Json value) noexcept
	{
		if (request) http().respond_json(std::exchange(request, nullptr), status, value.release());
	}
	void fail(const pb_error &e) noexcept
	{
		if (request) http().fail(std::exchange(request, nullptr), &e);
	}
	void fail(int status, std::string_view code, std::string_view text, const Json &details = {}) noexcept
	{
		pb_error e{};
		detail::fill(e, status, code, text, details.get());
		fail(e);
	}
	void on_cancel(Bound<> on) noexcept
	{
		if (request) http().on_cancel(request, on.call, on.self);
	}
	void on_body(Bound<const void *, std::size_t> on) noexcept
	{
		if (request) http().on_body(request, on.call, on.self);
	}
	void pause_body(bool is_paused) noexcept
	{
		if (request) http().pause_body(request, is_paused);
	}
	explicit operator bool() const noexcept { return request != nullptr; }

private:
	friend class Stream;
	static std::string_view view(const char *s) noexcept { return s ? s : ""; }
	[[nodiscard]] const pb_http &http() const noexcept { return *host->http; }
	const pb_host *host;
	pb_request *request;
};

/// A streamed answer, or an upgraded connection. Does not move. Its destructor sends what waits and ends the stream.
class Stream {
public:
	struct Options {
		std::size_t max_buffer = 0, low_buffer = 0; // bytes; 0: 1 MiB, and drained wholly
		Bound<> on_drain{}, on_close{};             // after on_close the stream is closed: writes do nothing
		Bound<std::string_view> on_data{};          // upgrades only
	};
	/// Starts the answer. protocol: the Upgrade header's value for a 101, nullptr for an ordinary answer with `status`.
	Stream(Request &&r, const char *protocol, int status, std::span<const pb_header> headers, Options o) noexcept : host(r.host), options(o)
	{
		pb_request *raw = std::exchange(r.request, nullptr);
		if (!raw) return;
		const pb_stream_events e{sizeof(pb_stream_events), o.max_buffer, o.low_buffer, &Stream::drained, &Stream::data, &Stream::closed};
		stream = protocol ? host->http->upgrade(raw, protocol, headers.data(), headers.size(), &e, this)
						  : host->http->stream(raw, status, headers.data(), headers.size(), &e, this);
	}
	Stream(const Stream &) = delete;
	Stream &operator=(const Stream &) = delete;
	~Stream() { end(); }
	/// Returns how many bytes wait now.
	std::size_t write(std::string_view data) noexcept { return stream ? host->http->write(stream, data.data(), data.size()) : 0; }
	[[nodiscard]] std::size_t buffered() const noexcept { return stream ? host->http->buffered(stream) : 0; }
	void end() noexcept
	{
		if (stream) host->http->end(std::exchange(stream, nullptr));
	}
	[[nodiscard]] bool is_open() const noexcept { return stream != nullptr; }

private:
	static void drained(void *self) noexcept
	{
		auto *s = static_cast<Stream *>(self);
		s->options.on_drain();
	}
	static void data(void *self, const void *d, std::size_t n) noexcept
	{
		auto *s = static_cast<Stream *>(self);
		s->options.on_data({static_cast<const char *>(d), n});
	}
	static void closed(void *self) noexcept
	{
		auto *s = static_cast<Stream *>(self);
		s->stream = nullptr;
		s->options.on_close(); // may delete s
	}
	const pb_host *host;
	Options options;
	pb_stream *stream = nullptr;
};

/// No parameters.
struct None {
	static constexpr auto fields = pb::fields();
};

struct RouteOptions {
	const char *help = "";
	uint32_t flags = 0; // pb_route_flags
	pb_role role = PB_ROLE_DEFAULT;
	milliseconds deadline{};
	std::uint64_t max_body = 0;
	const char *produces = nullptr; // content types of its replies; application/json
};

/// A topic or a method as a route; no handler needed.
class Route : public Item {
public:
	Route(Scope &s, const char *pattern, const Topic &t, RouteOptions o = {}) : Route(s, pattern, "topic:" + t.name, o) {}
	Route(Scope &s, const char *pattern, const std::string &target, RouteOptions o = {})
		: Item(s, [&](pb_error *e) {
			  const pb_route r{sizeof(pb_route), o.flags, pattern, o.help, target.c_str(), nullptr, nullptr, nullptr, o.role, o.deadline.count(), o.max_body,
				  nullptr, nullptr, o.produces};
			  return s.host->http->add_route(s.raw, &r, e);
		  })
	{}
};

struct FilesOptions {
	const char *cache_control = nullptr;  // "no-cache", so that the ETag is asked each time
	std::span<const pb_header> headers{}; // on every reply
	pb_role role = PB_ROLE_DEFAULT;       // viewer
};

/// A folder whose files are served where no route is; see pb_files.
class Files : public Item {
public:
	Files(Scope &s, const char *prefix, const std::string &folder, FilesOptions o = {})
		: Item(s, [&](pb_error *e) {
			  const pb_files f{sizeof(pb_files), o.role, prefix, folder.c_str(), o.cache_control, o.headers.data(), o.headers.size()};
			  return s.host->http->add_files(s.raw, &f, e);
		  })
	{}
};

/// A further address to listen on, for clients of an older program; see pb_http.add_listener.
class Listener : public Item {
public:
	/// on_change: nullptr where it listens now, else why it does not (it goes on trying).
	Listener(Scope &s, const char *address, Bound<const pb_error *> on_change = {})
		: Item(s, [&](pb_error *e) { return s.host->http->add_listener(s.raw, address, on_change.call, on_change.self, e); })
	{}
};

/// The full handler: `void on_x(const Path &, const Query &, const Body &, pb::Request)`; what it throws is the client's error. Each of the three is a struct
/// of fields, or pb::None.
template<typename Path = None, typename Query = None, typename Body = None> class Handler : public Item {
public:
	using On = Throwing<const Path &, const Query &, const Body &, Request &&>;
	Handler(Scope &s, const char *pattern, On on_request, RouteOptions o = {})
		: Item(
			  s,
			  [&](pb_error *e) {
		const pb_route r{sizeof(pb_route), o.flags, pattern, o.help, nullptr, field_table<Path>, field_table<Query>, field_table<Body>, o.role,
			o.deadline.count(), o.max_body, &Handler::run, this, o.produces};
		return s.host->http->add_route(s.raw, &r, e);
			  }),
	on(on_request)
	{}

private:
	static void run(void *self, pb_request *request, const json_t *args) noexcept
	{
		auto *h = static_cast<Handler *>(self);
		detail::Rescue<pb_request> rescue(request);
		Request r(h->host, request);
		detail::guarded([&] { h->on.call(h->on.self, read_fields<Path>(args), read_fields<Query>(args), read_fields<Body>(args), std::move(r)); },
			[&](const pb_error &e) {
			if (pb_request *kept = rescue.take()) Request(h->host, kept).fail(e);
			r.fail(e);
		});
	}
	On on;
};

// ---- the descriptor ---------------------------------------------------------------------------------------------------

namespace detail {
template<typename P> struct Instance {
	Scope scope;
	P plugin;
	Instance(const pb_host *h, pb_scope *s, typename P::Settings &&v) : scope(h, s), plugin(scope, std::move(v)) {}
};
template<typename P> int start(const pb_host *h, pb_scope *s, const json_t *settings, void **self, pb_error *err) noexcept
{
	int status = 0;
	guarded(
		[&] {
		auto it = std::make_unique<Instance<P>>(h, s, read_fields<typename P::Settings>(settings));
		if (!it->scope.errors.empty()) throw std::runtime_error(it->scope.errors);
		*self = it.release();
		},
		[&](const pb_error &e) {
		*err = e;
		err->details = nullptr;
		status = -1;
	});
	return status;
}
template<typename P> int configure(void *self, const json_t *settings, pb_error *err) noexcept
{
	int status = 0;
	guarded([&] { static_cast<Instance<P> *>(self)->plugin.configure(read_fields<typename P::Settings>(settings)); },
		[&](const pb_error &e) {
		*err = e;
		err->details = nullptr;
		status = -1;
	});
	return status;
}
template<typename P> void drain(void *self, int is_shutdown, pb_tick_fn *done, void *ctx) noexcept
{
	static_cast<Instance<P> *>(self)->plugin.drain(is_shutdown != 0, Bound<>{ctx, reinterpret_cast<void (*)(void *) noexcept>(done)});
}
template<typename P> void stop(void *self) noexcept { delete static_cast<Instance<P> *>(self); }

template<typename P> constexpr auto configure_of() noexcept -> int (*)(void *, const json_t *, pb_error *)
{
	if constexpr (requires(P & p, const typename P::Settings &s) { p.configure(s); }) return &configure<P>;
	else return nullptr; // no configure(): stopped and started with new settings
}
template<typename P> constexpr auto drain_of() noexcept -> void (*)(void *, int, pb_tick_fn *, void *)
{
	if constexpr (requires(P & p, Bound<> d) { p.drain(true, d); }) return &drain<P>;
	else return nullptr;
}
} // namespace detail
} // namespace pb

/// Class: Settings (with `fields`), a constructor (pb::Scope &, const Settings &); optional: configure(const Settings &) to
/// take new ones while running, drain(bool is_shutdown, pb::Bound<> done) noexcept to come to rest first. With flags: pb_plugin_flags.
#define PATCHBAY_PLUGIN(Class, plugin_name, plugin_version, plugin_needs) PATCHBAY_PLUGIN_WITH(Class, plugin_name, plugin_version, plugin_needs, 0)
#define PATCHBAY_PLUGIN_WITH(Class, plugin_name, plugin_version, plugin_needs, flags)                                                                          \
	extern "C" [[gnu::visibility("default")]] constinit const pb_plugin patchbay_plugin_v1 = {sizeof(pb_plugin), PB_ABI_MAJOR, PB_ABI_MINOR, plugin_name,      \
		plugin_version, plugin_needs, flags, pb::field_table<Class::Settings>, pb::detail::start<Class>, pb::detail::configure_of<Class>(),                    \
		pb::detail::drain_of<Class>(), pb::detail::stop<Class>};
