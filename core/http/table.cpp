#include "http/table.hpp"

#include "http/engine.hpp"
#include "http/further_listeners.hpp"
#include "http/route.hpp"
#include "http/static_files.hpp"

#include <algorithm>

namespace core::http {

namespace {
thread_local Router *routes = nullptr;
thread_local StaticFiles *static_files = nullptr;
thread_local FurtherListeners *further_listeners = nullptr;

// A handle becomes its object, or nothing where a plugin uses one that has been answered or has ended.
Request *of(const pb_request *r) noexcept { return Request::find(r); }
Stream *of(const pb_stream *s) noexcept { return Stream::find(s); }

pb_item *add_route(pb_scope *scope, const pb_route *route, pb_error *err) noexcept
{
	auto item = routes->add(*scope, *route);
	if (item) return *item;
	if (err) pb::detail::fill(*err, item.error().status, item.error().code, item.error().text);
	return nullptr;
}

pb_item *add_files(pb_scope *scope, const pb_files *f, pb_error *err) noexcept
{
	const auto text = [](const char *s) { return std::string(s ? s : ""); };
	Mount mount{text(f->prefix), text(f->folder), text(f->cache_control), {}, f->role == PB_ROLE_DEFAULT ? int{PB_VIEWER} : f->role};
	for (std::size_t i = 0; i < f->header_count; ++i) mount.headers.emplace_back(text(f->headers[i].name), text(f->headers[i].value));
	auto item = static_files->add(*scope, std::move(mount));
	if (item) return *item;
	if (err) pb::detail::fill(*err, item.error().status, item.error().code, item.error().text);
	return nullptr;
}

pb_item *add_listener(pb_scope *scope, const char *address, pb_listening_fn *told, void *self, pb_error *err) noexcept
{
	auto item = further_listeners->add(*scope, address ? address : "", told, self);
	if (item) return *item;
	if (err) pb::detail::fill(*err, item.error().status, item.error().code, item.error().text);
	return nullptr;
}

const char *listener(const pb_request *r) noexcept
{
	const Request *q = of(r);
	return q && q->peer().is_legacy ? q->peer().listener.c_str() : nullptr;
}

const char *method(const pb_request *r) noexcept
{
	const Request *q = of(r);
	return q ? q->head.method_name.data() : "";
}
const char *path(const pb_request *r) noexcept
{
	const Request *q = of(r);
	return q ? q->path.c_str() : "";
}
const char *target(const pb_request *r) noexcept
{
	const Request *q = of(r);
	return q ? q->head.target.data() : "";
}

const char *query(const pb_request *r, const char *name) noexcept
{
	const Request *q = of(r);
	const std::string *value = q ? q->query(name) : nullptr;
	return value ? value->c_str() : nullptr;
}

const char *header(const pb_request *r, const char *name) noexcept
{
	const Request *q = of(r);
	const std::string_view *value = q ? q->head.find(name) : nullptr;
	return value ? value->data() : nullptr;
}

std::size_t headers(const pb_request *r, pb_header *out, std::size_t most) noexcept
{
	const Request *q = of(r);
	if (!q) return 0;
	const auto &all = q->head.headers;
	for (std::size_t i = 0; i < std::min(most, all.size()); ++i) out[i] = {all[i].name.data(), all[i].value.data()};
	return all.size();
}

const char *body(const pb_request *r, std::size_t *size) noexcept
{
	const Request *q = of(r);
	if (size) *size = q ? q->body.size() : 0;
	return q ? q->body.c_str() : "";
}

const pb_caller *caller(const pb_request *r) noexcept
{
	static constexpr pb_caller nobody{sizeof(pb_caller), PB_ROLE_DEFAULT, "", ""};
	const Request *q = of(r);
	return q ? &q->caller() : &nobody;
}

void respond(pb_request *r, int status, const pb_header *h, std::size_t count, const void *data, std::size_t size) noexcept
{
	if (Request *q = of(r)) q->respond(status, {h, count}, {static_cast<const char *>(data), size});
}

void respond_json(pb_request *r, int status, json_t *value) noexcept
{
	const pb::Json owned = pb::Json::own(value);
	if (Request *q = of(r)) q->respond_json(status, owned.get());
}

void fail_request(pb_request *r, const pb_error *e) noexcept
{
	Request *q = of(r);
	if (!q) return;
	Error error{e->text, e->status, e->code, {}};
	if (e->details) error.details = pb::Json::share(e->details);
	q->fail(error);
}

void on_cancel(pb_request *r, pb_tick_fn *told, void *self) noexcept
{
	if (Request *q = of(r)) q->on_cancel(told, self);
}

void on_body(pb_request *r, pb_data_fn *taker, void *self) noexcept
{
	if (Request *q = of(r)) q->on_body(taker, self);
}

void pause_body(pb_request *r, int is_paused) noexcept
{
	if (Request *q = of(r)) q->pause_body(is_paused != 0);
}

constexpr pb_stream_events no_events{sizeof(pb_stream_events), 0, 0, nullptr, nullptr, nullptr};

pb_stream *stream(pb_request *r, int status, const pb_header *h, std::size_t count, const pb_stream_events *events, void *self) noexcept
{
	Request *q = of(r);
	Stream *s = q ? q->stream(status, {h, count}, events ? *events : no_events, self) : nullptr;
	return s ? s->handle() : nullptr;
}

pb_stream *upgrade(pb_request *r, const char *protocol, const pb_header *h, std::size_t count, const pb_stream_events *events, void *self) noexcept
{
	Request *q = of(r);
	Stream *s = q ? q->upgrade(protocol ? protocol : "", {h, count}, events ? *events : no_events, self) : nullptr;
	return s ? s->handle() : nullptr;
}

std::size_t write(pb_stream *s, const void *data, std::size_t size) noexcept
{
	Stream *q = of(s);
	return q ? q->write({static_cast<const char *>(data), size}) : 0;
}

std::size_t buffered(const pb_stream *s) noexcept
{
	const Stream *q = of(s);
	return q ? q->buffered() : 0;
}

void end(pb_stream *s) noexcept
{
	if (Stream *q = of(s)) q->end();
}
} // namespace

const pb_http border_table{sizeof(pb_http), add_route, method, path, target, query, header, headers, body, caller, respond, respond_json, fail_request,
	on_cancel, on_body, pause_body, stream, upgrade, write, buffered, end, add_files, add_listener, listener};

void set_border_router(Router *router) noexcept { routes = router; }
void set_border_files(StaticFiles *files) noexcept { static_files = files; }
void set_border_listeners(FurtherListeners *listeners) noexcept { further_listeners = listeners; }

} // namespace core::http
