#include "http/dispatch.hpp"

#include "http/args.hpp"
#include "http/engine.hpp"
#include "http/route.hpp"

#include <fmt/format.h>

namespace core::http {

using namespace std::chrono_literals;

namespace {
constexpr std::chrono::milliseconds usual_deadline = 30s;

std::chrono::milliseconds deadline_of(const Request &r) noexcept { return r.route && r.route->deadline.count() > 0 ? r.route->deadline : usual_deadline; }
} // namespace

Error Dispatch::too_large(std::uint64_t limit) { return {fmt::format("the body is larger than the {} bytes that are taken here", limit), 413, {}, {}}; }

int Dispatch::role_of(const RouteItem *route) const
{
	if (!route) return PB_VIEWER;
	if (route->role != PB_ROLE_DEFAULT) return route->role;
	if (route->target == RouteItem::Target::method) {
		const MethodItem *m = engine.needs.methods.find(route->target_name);
		return m ? m->role : int{PB_OPERATOR};
	}
	return route->method == "GET" || route->method == "HEAD" ? PB_VIEWER : PB_OPERATOR;
}

Dispatch::Next Dispatch::on_head(Request &r, std::uint64_t &body_limit) const
{
	body_limit = engine.max_body;
	const char *why = nullptr;
	if (r.head.is_plain) r.path.assign(r.head.path);
	else why = decode_path(r.head.path, r.path, r.parts);
	if (!why && !r.head.query.empty()) why = decode_query(r.head.query, r.query_pairs);
	const Match m = why ? Match{} : engine.router.find(r.path, r.parts, r.head.method_name, r.values);
	r.route = m.route;
	r.scope = m.route ? &m.route->scope : nullptr;
	const bool is_asking = !m.route && r.head.method == Method::options;
	if (auto no = engine.manners.on_head(r, is_asking ? int{PB_PUBLIC} : role_of(m.route))) {
		r.fail(no->error, no->lines, no->members.get());
		return Next::answered;
	}
	if (why) {
		r.fail({fmt::format("the request's target is malformed: {}", why), 400, {}, {}});
		return Next::answered;
	}
	if (!m.route) {
		without_route(r, m);
		return Next::answered;
	}
	if (m.route->max_body != 0) body_limit = m.route->max_body;
	if (r.head.content_length > body_limit) {
		r.fail(too_large(body_limit));
		return Next::answered;
	}
	return (m.route->flags & PB_ROUTE_STREAM_BODY) != 0 ? Next::stream_body : Next::take_body;
}

void Dispatch::without_route(Request &r, const Match &m) const
{
	const bool is_reading = r.head.method == Method::get || r.is_head();
	if (r.head.method == Method::options && (!m.allow.empty() || r.path == "*")) {
		const std::string_view allow = m.allow.empty() ? std::string_view("GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS") : std::string_view(m.allow);
		return r.respond_raw(204, fmt::format("{}Allow: {}\r\n", status_line(204), allow), {});
	}
	if (!m.allow.empty()) {
		const Error error{fmt::format("{} does not take {}; it takes {}", r.path, r.head.method_name, m.allow), 405, {}, {}};
		return r.fail(error, fmt::format("Allow: {}\r\n", m.allow));
	}
	const pb_request *handle = r.handle();
	if (is_reading && engine.manners.serve(r)) {
		if (Request *later = Request::find(handle)) later->arm(usual_deadline);
		return;
	}
	if (engine.is_leaving) return r.fail({"the daemon is stopping", 503, {}, {}}, "Retry-After: 1\r\n"); // its routes go with their plugins
	r.fail({fmt::format("nothing is served at {}; GET /openapi.json lists what is", pb::utf8(r.path)), 404, {}, {}});
}

void Dispatch::run(Request &r) const
{
	if (!r.route) { // its plugin was replaced while the body came, or has gone
		r.route = engine.router.find(r.path, r.parts, r.head.method_name, r.values).route;
		if (!r.route) return r.fail({fmt::format("{} has just been taken away", r.path), 503, {}, {}});
		r.scope = &r.route->scope;
	}
	switch (r.route->target) {
	case RouteItem::Target::topic: return serve_topic(r, *r.route);
	case RouteItem::Target::method: return call_method(r, *r.route);
	case RouteItem::Target::handler: return run_handler(r, *r.route);
	}
}

void Dispatch::run_handler(Request &r, RouteItem &route) const
{
	auto args = args_for_handler(r, route);
	if (!args) return r.fail(args.error());
	pb_request *handle = r.handle();
	{
		const Charge charge(engine.needs.reactor, route.scope.account);
		if (route.own_handler.call) route.own_handler(r, args->get());
		else route.on_request(route.self, handle, args->get());
	}
	if (Request *later = Request::find(handle)) later->arm(deadline_of(*later));
}

void Dispatch::give_body(Request &r, std::string_view piece) const
{
	const pb_request *handle = r.handle();
	{
		const Charge charge(engine.needs.reactor, r.scope ? r.scope->account : engine.needs.reactor.core);
		r.taker(r.taker_self, piece.empty() ? nullptr : piece.data(), piece.size());
	}
	if (Request *later = Request::find(handle)) later->arm(deadline_of(*later));
}

void Dispatch::serve_topic(Request &r, RouteItem &route) const
{
	const Topic *topic = engine.needs.topics.find(route.target_name);
	if (!topic || !topic->value) return r.fail({fmt::format("topic {} has no value yet", route.target_name), 404, {}, {}});
	const bool is_stored = (route.flags & PB_ROUTE_NO_STORE) == 0;
	if (route.value != topic->value) {
		route.value = topic->value;
		route.etag = fmt::format("\"{}\"", route.value->seq);
		route.ready_lines = fmt::format("{}Content-Type: application/json\r\n{}Content-Length: {}\r\n", status_line(200),
			is_stored ? fmt::format("ETag: {}\r\n", route.etag) : "Cache-Control: no-store\r\n", route.value->text().size());
	}
	const std::string_view *known = is_stored ? r.head.find("If-None-Match") : nullptr;
	if (known && names_etag(*known, route.etag)) return r.respond_raw(304, fmt::format("{}ETag: {}\r\n", status_line(304), route.etag), {});
	r.respond_raw(200, route.ready_lines, route.value->text());
}

void Dispatch::call_method(Request &r, const RouteItem &route) const
{
	auto args = args_for_method(r, route, engine.needs.methods.find(route.target_name));
	if (!args) return r.fail(args.error());
	const pb_caller &who = r.caller();
	// Cancelled when the request is abandoned, so that what it holds is alive when it is called.
	r.call = engine.needs.methods.call(
		route.target_name, std::move(*args), {who.address, who.name, who.role, nullptr}, route.deadline, [request = &r](Result<Outcome> outcome) {
			request->call = nullptr;
			if (outcome) request->respond_text(200, outcome->text());
			else request->fail(outcome.error());
		});
}

} // namespace core::http
