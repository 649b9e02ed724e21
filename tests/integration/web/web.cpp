// A plugin that uses all of http.h, for the tests of the HTTP core.
#include <patchbay/patchbay.hpp>

#include <list>
#include <memory>

using namespace std::chrono_literals;

namespace {

struct Settings {
	static constexpr auto fields = pb::fields();
};

struct Path {
	std::int64_t number;
	static constexpr auto fields = pb::fields(pb::field("number", &Path::number, {.min = 1, .max = 100, .help = "a number"}));
};
struct Query {
	std::string word;
	std::optional<std::int64_t> limit;
	std::chrono::milliseconds wait;
	static constexpr auto fields = pb::fields(pb::field("word", &Query::word, {.fallback = "\"none\"", .max = 20, .help = "a word"}),
		pb::field("limit", &Query::limit, {.min = 1, .max = 1000, .help = "a limit"}),
		pb::field("wait", &Query::wait, {.fallback = "0ms", .min = 0ms, .max = 10s, .help = "how long"}));
};
struct Body {
	std::string name;
	bool is_loud;
	static constexpr auto fields = pb::fields(
		pb::field("name", &Body::name, {.min = 1, .max = 40, .help = "a name"}), pb::field("loud", &Body::is_loud, {.fallback = "false", .help = "or not"}));
};
struct Sizes {
	std::int64_t count, size;
	static constexpr auto fields = pb::fields(pb::field("count", &Sizes::count, {.fallback = "3", .min = 0, .max = 100000, .help = "pieces"}),
		pb::field("size", &Sizes::size, {.fallback = "5", .min = 1, .max = 1e6, .help = "bytes each"}));
};
struct Args {
	std::string name;
	std::int64_t times;
	bool is_loud;
	std::chrono::milliseconds wait;
	static constexpr auto fields = pb::fields(pb::field("name", &Args::name, {.min = 1, .max = 40, .help = "a name"}),
		pb::field("times", &Args::times, {.fallback = "1", .min = 1, .max = 9, .help = "how often"}),
		pb::field("loud", &Args::is_loud, {.fallback = "false", .help = "or not"}),
		pb::field("wait", &Args::wait, {.fallback = "0s", .min = 0ms, .max = 10s, .help = "how long"}));
};

pb::Json pair(const pb_header &h)
{
	pb::Json out = pb::Json::array();
	out.push(h.name).push(h.value);
	return out;
}

class Web;

/// Something that lives as long as a request or a stream.
struct Live {
	Live(Web &web_, pb::Scope &scope) : web(web_), timer(scope, pb::bind<&Live::on_timer>(this)) {}
	virtual ~Live() = default;
	virtual void on_timer() noexcept {}
	[[nodiscard]] virtual const char *kind() const noexcept = 0;
	void end() noexcept; // this is gone after it
	Web &web;
	pb::Timer timer;
};

/// A request that is answered later, or never.
struct Kept : Live {
	[[nodiscard]] const char *kind() const noexcept override { return "kept"; }
	Kept(Web &web_, pb::Scope &scope, pb::Request &&r) : Live(web_, scope), request(std::move(r)) { request.on_cancel(pb::bind<&Kept::on_cancel>(this)); }
	void on_timer() noexcept override
	{
		request.json(200, {{"late", true}});
		end();
	}
	void on_cancel() noexcept;
	pb::Request request;
};

/// Takes a streamed body, resting where it is asked to.
struct Upload : Live {
	[[nodiscard]] const char *kind() const noexcept override { return "upload"; }
	Upload(Web &web_, pb::Scope &scope, pb::Request &&r, std::chrono::milliseconds wait_) : Live(web_, scope), request(std::move(r)), wait(wait_)
	{
		request.on_body(pb::bind<&Upload::on_body>(this));
		request.on_cancel(pb::bind<&Upload::on_cancel>(this));
	}
	void on_body(const void *data, std::size_t n) noexcept
	{
		if (!data) {
			request.json(200, {{"bytes", size}, {"pieces", pieces}});
			return end();
		}
		size += n;
		++pieces;
		if (wait.count() == 0) return;
		request.pause_body(true);
		timer.once(wait);
	}
	void on_timer() noexcept override { request.pause_body(false); }
	void on_cancel() noexcept;
	pb::Request request;
	std::chrono::milliseconds wait;
	std::size_t size = 0, pieces = 0;
};

/// Writes count pieces, waiting for the client between them.
struct Download : Live {
	[[nodiscard]] const char *kind() const noexcept override { return "download"; }
	Download(Web &web_, pb::Scope &scope, pb::Request &&r, Sizes s, std::span<const pb_header> headers)
		: Live(web_, scope), left(s.count), piece(static_cast<std::size_t>(s.size), 'x'),
		  stream(std::move(r), nullptr, 200, headers,
			  {.max_buffer = 2 << 20, .low_buffer = 1000, .on_drain = pb::bind<&Download::on_drain>(this), .on_close = pb::bind<&Download::on_close>(this)})
	{
		timer.once(0ms);
	}
	void on_timer() noexcept override { on_drain(); }
	void on_drain() noexcept
	{
		while (left > 0) {
			--left;
			if (stream.write(piece) > 1000) return;
		}
		stream.end();
		end();
	}
	void on_close() noexcept;
	std::int64_t left;
	std::string piece;
	pb::Stream stream;
};

/// Writes without asking until it is thrown out.
struct Flood : Live {
	[[nodiscard]] const char *kind() const noexcept override { return "flood"; }
	Flood(Web &web_, pb::Scope &scope, pb::Request &&r)
		: Live(web_, scope), stream(std::move(r), nullptr, 200, {}, {.max_buffer = 256 << 10, .on_close = pb::bind<&Flood::on_close>(this)})
	{
		timer.every(1ms);
	}
	void on_timer() noexcept override { stream.write(std::string(64 << 10, 'f')); }
	void on_close() noexcept;
	pb::Stream stream;
};

/// Sends back what comes, in capitals; "bye" ends it.
struct Upgraded : Live {
	[[nodiscard]] const char *kind() const noexcept override { return "upgraded"; }
	Upgraded(Web &web_, pb::Scope &scope, pb::Request &&r)
		: Live(web_, scope),
		  stream(std::move(r), "shout", 101, {}, {.on_close = pb::bind<&Upgraded::on_close>(this), .on_data = pb::bind<&Upgraded::on_data>(this)})
	{}
	void on_data(std::string_view data) noexcept
	{
		std::string out(data);
		for (char &c : out)
			if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
		stream.write(out);
		if (data.find("bye") == std::string_view::npos) return;
		stream.end();
		end();
	}
	void on_close() noexcept;
	pb::Stream stream;
};

class Web final {
public:
	using Settings = ::Settings;
	Web(pb::Scope &scope_, const Settings &)
		: scope(scope_), value(scope, "web/value", "what POST web/value set"), events(scope, "web/events", "what has happened", 0),
		  empty(scope, "web/empty", "never has a value"), value_route(scope, "GET web/value", value),
		  fresh_route(scope, "GET web/fresh", value, {.flags = PB_ROUTE_NO_STORE}), empty_route(scope, "GET web/empty", empty),
		  events_route(scope, "GET web/events", events), set_route(scope, "POST web/value", pb::bind<&Web::on_set>(this), {.flags = PB_ROUTE_ANY_BODY}),
		  alive(scope, "GET web/live", pb::bind<&Web::on_live>(this)), args(scope, "GET web/args/{number}", pb::bind<&Web::on_args>(this)),
		  strict(scope, "GET web/strict/{number}", pb::bind<&Web::on_args>(this), {.flags = PB_ROUTE_STRICT}),
		  body(scope, "POST web/body", pb::bind<&Web::on_body>(this)),
		  strict_body(scope, "POST web/strict-body", pb::bind<&Web::on_body>(this), {.flags = PB_ROUTE_STRICT}),
		  echo(scope, "POST web/echo", pb::bind<&Web::on_echo>(this), {.flags = PB_ROUTE_ANY_BODY}),
		  small(scope, "POST web/small", pb::bind<&Web::on_echo>(this), {.flags = PB_ROUTE_ANY_BODY, .max_body = 10}),
		  big(scope, "POST web/big", pb::bind<&Web::on_big>(this), {.flags = PB_ROUTE_ANY_BODY, .max_body = 64 << 20}),
		  show(scope, "GET web/show/{rest…}", pb::bind<&Web::on_show>(this)), brew(scope, "BREW web/pot", pb::bind<&Web::on_plain>(this)),
		  later(scope, "GET web/later", pb::bind<&Web::on_later>(this)), never(scope, "GET web/never", pb::bind<&Web::on_never>(this), {.deadline = 300ms}),
		  drops(scope, "GET web/drops", pb::bind<&Web::on_drops>(this)), throws(scope, "GET web/throws", pb::bind<&Web::on_throws>(this)),
		  bad_header(scope, "GET web/bad-header", pb::bind<&Web::on_bad_header>(this)), tagged(scope, "GET web/tagged", pb::bind<&Web::on_tagged>(this)),
		  large(scope, "GET web/large", pb::bind<&Web::on_large>(this)), nothing(scope, "DELETE web/nothing", pb::bind<&Web::on_nothing>(this)),
		  upload(scope, "POST web/upload", pb::bind<&Web::on_upload>(this), {.flags = PB_ROUTE_STREAM_BODY, .max_body = 64 << 20}),
		  refuses(scope, "POST web/refuses", pb::bind<&Web::on_refuses>(this), {.flags = PB_ROUTE_STREAM_BODY, .max_body = 64 << 20}),
		  stream(scope, "GET web/stream", pb::bind<&Web::on_stream>(this)), counted(scope, "GET web/counted", pb::bind<&Web::on_counted>(this)),
		  flood(scope, "GET web/flood", pb::bind<&Web::on_flood>(this)), upgrade(scope, "GET web/shout", pb::bind<&Web::on_upgrade>(this)),
		  greet(scope, "web.greet", pb::bind<&Web::on_greet>(this), {.help = "greets", .deadline = 1s}),
		  admin(scope, "web.admin", pb::bind<&Web::on_greet>(this), {.help = "for admins", .role = PB_ADMIN}),
		  greet_route(scope, "POST web/greet/{name}", std::string("method:web.greet")),
		  greet_get(scope, "GET web/greet/{name}", std::string("method:web.greet"), {.flags = PB_ROUTE_STRICT}),
		  missing_route(scope, "POST web/missing", std::string("method:web.missing"))
	{}

	void happened(const char *what) noexcept { events.publish({{"what", what}, {"count", ++count}, {"live", live.size()}}); }
	void drop(Live &gone) noexcept
	{
		live.remove_if([&](const auto &l) { return l.get() == &gone; });
	}

private:
	template<typename T, typename... A> void keep(A &&...a) { live.push_back(std::make_unique<T>(*this, scope, std::forward<A>(a)...)); }
	void on_set(const pb::None &, const pb::None &, const pb::None &, pb::Request &&r)
	{
		value.publish_text(r.body());
		r.respond(204, {}, {});
	}
	void on_args(const Path &p, const Query &q, const pb::None &, pb::Request &&r)
	{
		r.json(200, {{"number", p.number}, {"word", q.word}, {"limit", pb::Json(q.limit)}, {"wait_ms", q.wait.count()}});
	}
	void on_body(const pb::None &, const pb::None &, const Body &b, pb::Request &&r) { r.json(200, {{"name", b.name}, {"loud", b.is_loud}}); }
	void on_live(const pb::None &, const pb::None &, const pb::None &, pb::Request &&r)
	{
		pb::Json kinds = pb::Json::array();
		for (const auto &l : live) kinds.push(l->kind());
		r.json(200, {{"live", std::move(kinds)}});
	}
	void on_echo(const pb::None &, const pb::None &, const pb::None &, pb::Request &&r)
	{
		const std::string copy(r.body());
		r.respond(200, "application/octet-stream", copy);
	}
	void on_big(const pb::None &, const pb::None &, const pb::None &, pb::Request &&r) { r.json(200, {{"bytes", r.body().size()}}); }
	void on_show(const pb::None &, const pb::None &, const pb::None &, pb::Request &&r)
	{
		pb::Json headers = pb::Json::array();
		for (const pb_header &h : r.headers()) headers.push(pair(h));
		const char *q = r.query("q");
		r.json(200, {{"method", r.method()}, {"path", r.path()}, {"target", r.target()}, {"q", q ? pb::Json(q) : pb::Json(nullptr)},
						{"address", r.caller().address}, {"headers", std::move(headers)}});
	}
	void on_plain(const pb::None &, const pb::None &, const pb::None &, pb::Request &&r) { r.respond(200, "text/plain", r.method()); }
	void on_later(const pb::None &, const Query &q, const pb::None &, pb::Request &&r)
	{
		keep<Kept>(std::move(r));
		live.back()->timer.once(q.wait);
	}
	void on_never(const pb::None &, const pb::None &, const pb::None &, pb::Request &&r) { keep<Kept>(std::move(r)); }
	void on_drops(const pb::None &, const pb::None &, const pb::None &, pb::Request r) { (void)r; }
	void on_throws(const pb::None &, const pb::None &, const pb::None &, pb::Request &&)
	{
		throw pb::Error(409, "ALREADY_SO", "it is so already", {{"since", 1}});
	}
	void on_bad_header(const pb::None &, const pb::None &, const pb::None &, pb::Request &&r)
	{
		const pb_header h[]{{"X-Bad", "a\r\nInjected: yes"}};
		r.respond(200, h, "");
	}
	void on_tagged(const pb::None &, const pb::None &, const pb::None &, pb::Request &&r)
	{
		const pb_header h[]{{"ETag", "\"one\""}, {"Content-Type", "text/plain"}, {"Content-Length", "999"}, {"Connection", "close"}};
		r.respond(200, h, "tagged");
	}
	void on_large(const pb::None &, const Sizes &s, const pb::None &, pb::Request &&r)
	{
		r.respond(200, "text/plain", std::string(static_cast<std::size_t>(s.count * s.size), 'l'));
	}
	void on_nothing(const pb::None &, const pb::None &, const pb::None &, pb::Request &&r) { r.respond(204, {}, "this is not sent"); }
	void on_upload(const pb::None &, const Query &q, const pb::None &, pb::Request &&r) { keep<Upload>(std::move(r), q.wait); }
	void on_refuses(const pb::None &, const pb::None &, const pb::None &, pb::Request &&r) { r.fail(403, "", "no uploads today"); }
	void on_stream(const pb::None &, const Sizes &s, const pb::None &, pb::Request &&r)
	{
		const pb_header h[]{{"Content-Type", "text/plain"}};
		keep<Download>(std::move(r), s, std::span<const pb_header>(h));
	}
	void on_counted(const pb::None &, const Sizes &s, const pb::None &, pb::Request &&r)
	{
		const std::string length = std::to_string(s.count * s.size);
		const pb_header h[]{{"Content-Length", length.c_str()}};
		keep<Download>(std::move(r), s, std::span<const pb_header>(h));
	}
	void on_flood(const pb::None &, const pb::None &, const pb::None &, pb::Request &&r) { keep<Flood>(std::move(r)); }
	void on_upgrade(const pb::None &, const pb::None &, const pb::None &, pb::Request &&r)
	{
		keep<Upgraded>(std::move(r));
		if (!static_cast<Upgraded &>(*live.back()).stream.is_open()) live.pop_back(); // it was no upgrade
	}

	/// A call that waits, or is left.
	struct Waiting : Live {
		[[nodiscard]] const char *kind() const noexcept override { return "waiting"; }
		Waiting(Web &web_, pb::Scope &scope_, pb::Reply &&r, std::chrono::milliseconds wait) : Live(web_, scope_), reply(std::move(r))
		{
			reply.on_cancel(pb::bind<&Waiting::on_cancel>(this));
			timer.once(wait);
		}
		void on_timer() noexcept override
		{
			reply({{"greeting", "late"}});
			end();
		}
		void on_cancel() noexcept { web.happened("call cancelled"); }
		pb::Reply reply;
	};
	void on_greet(const Args &a, pb::Reply &&reply)
	{
		if (a.name == "nobody") throw pb::Error(404, "NOBODY", "nobody is not here");
		if (a.wait.count() != 0) return keep<Waiting>(std::move(reply), a.wait);
		std::string text;
		for (std::int64_t i = 0; i < a.times; ++i) text += (i != 0 ? " " : "") + a.name;
		reply({{"greeting", text}, {"loud", a.is_loud}, {"by", reply.caller().address}});
	}

	pb::Scope &scope;
	std::size_t count = 0;
	std::list<std::unique_ptr<Live>> live;
	pb::Topic value, events, empty;
	pb::Route value_route, fresh_route, empty_route, events_route;
	pb::Handler<> set_route, alive;
	pb::Handler<Path, Query> args, strict;
	pb::Handler<pb::None, pb::None, Body> body, strict_body;
	pb::Handler<> echo, small, big, show, brew;
	pb::Handler<pb::None, Query> later;
	pb::Handler<> never, drops, throws, bad_header, tagged;
	pb::Handler<pb::None, Sizes> large;
	pb::Handler<> nothing;
	pb::Handler<pb::None, Query> upload;
	pb::Handler<> refuses;
	pb::Handler<pb::None, Sizes> stream, counted;
	pb::Handler<> flood, upgrade;
	pb::Method<Args> greet, admin;
	pb::Route greet_route, greet_get, missing_route;
};

void Live::end() noexcept { web.drop(*this); }
void Kept::on_cancel() noexcept
{
	web.happened("request cancelled");
	end(); // answers it, to nobody
}
void Upload::on_cancel() noexcept
{
	web.happened("upload cancelled");
	end();
}
void Download::on_close() noexcept
{
	web.happened("download closed");
	end();
}
void Flood::on_close() noexcept
{
	web.happened("flood closed");
	end();
}
void Upgraded::on_close() noexcept
{
	web.happened("upgrade closed");
	end();
}

} // namespace

PATCHBAY_PLUGIN(Web, "web", "1.0", "")
