#include "http/openapi.hpp"

#include "build_config.hpp"
#include "fields/check.hpp"
#include "http/router.hpp"
#include "http/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace core::http {

namespace {
using pb::Json;

/// Our templates write {rest…}, OpenAPI's have no such thing.
std::string path_of(std::string_view path)
{
	std::string out(path);
	for (const std::string_view dots : {std::string_view("…}"), std::string_view("...}")})
		if (const std::size_t at = out.find(dots); at != std::string::npos) out.replace(at, dots.size(), "}");
	return out;
}

std::string lower(std::string_view text)
{
	std::string out(text);
	std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
	return out;
}

/// Unique, and a name in most languages.
std::string operation_id(std::string_view method, std::string_view path)
{
	std::string out = lower(method);
	for (const char c : path) {
		const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (is_letter || out.back() != '_') out += is_letter ? c : '_';
	}
	while (out.back() == '_') out.pop_back();
	return out;
}

const pb_field *field_of(const pb_field *table, std::string_view name) noexcept
{
	for (const pb_field *f = table; f && f->name; ++f)
		if (name == f->name) return f;
	return nullptr;
}

bool is_required(const pb_field &f) noexcept { return f.fallback == nullptr; }

Json parameter(std::string_view name, const char *in, const pb_field *f)
{
	Json out{{"name", name}, {"in", in}, {"required", *in == 'p' || (f && is_required(*f))}};
	if (f && f->help && *f->help) out.set("description", f->help);
	if (f && (f->type & PB_LIST) != 0 && *in == 'q') out.set("style", "form").set("explode", false); // a,b
	out.set("schema", f ? fields::schema_of(*f) : Json{{"type", "string"}});
	return out;
}

/// What describes one operation beside its path.
class Operation {
public:
	Operation(const RouteItem &route_, const Methods &methods)
		: route(route_), called(route.target == RouteItem::Target::method ? methods.find(route.target_name) : nullptr)
	{}

	[[nodiscard]] Json describe(std::string_view path) const
	{
		Json tags = Json::array();
		tags.push(route.scope.plugin);
		Json out{{"operationId", operation_id(route.method, path)}, {"tags", std::move(tags)}, {"x-role", role()}};
		if (const std::string_view help = !route.help.empty() ? std::string_view(route.help)
										  : called            ? std::string_view(called->help)
															  : std::string_view();
			!help.empty())
			out.set("summary", help);
		if (Json p = parameters(); json_array_size(p.get()) != 0) out.set("parameters", std::move(p));
		if (Json b = body()) out.set("requestBody", std::move(b));
		if (route.role == PB_PUBLIC) out.set("security", Json::array());
		out.set("responses", responses(path.starts_with("/api/")));
		return out;
	}

private:
	[[nodiscard]] const char *role() const noexcept
	{
		const int declared = route.role != PB_ROLE_DEFAULT                     ? route.role
							 : called                                          ? called->role
							 : route.method == "GET" || route.method == "HEAD" ? int{PB_VIEWER}
																			   : int{PB_OPERATOR};
		return declared == PB_PUBLIC ? "public" : declared == PB_VIEWER ? "viewer" : declared == PB_ADMIN ? "admin" : "operator";
	}
	[[nodiscard]] bool is_variable(std::string_view name) const { return std::ranges::find(route.variables, name) != route.variables.end(); }
	[[nodiscard]] bool has_body() const noexcept { return route.method != "GET" && route.method != "HEAD" && route.method != "DELETE"; }

	[[nodiscard]] Json parameters() const
	{
		Json out = Json::array();
		for (const std::string &v : route.variables) {
			const pb_field *declared = field_of(route.path, v);
			out.push(parameter(v, "path", declared ? declared : called ? field_of(called->params, v) : nullptr));
		}
		for (const pb_field *f = route.query; f && f->name; ++f) out.push(parameter(f->name, "query", f));
		if (!called || has_body()) return out;
		for (const pb_field *f = called->params; f && f->name; ++f) // a method that is read: its arguments come by the query
			if (!is_variable(f->name) && !field_of(route.query, f->name)) out.push(parameter(f->name, "query", f));
		return out;
	}

	[[nodiscard]] Json body() const
	{
		if ((route.flags & (PB_ROUTE_ANY_BODY | PB_ROUTE_STREAM_BODY)) != 0) return Json{{"required", false}, {"content", Json{{"*/*", Json::object()}}}};
		const bool is_method = called && has_body() && !route.body;
		const pb_field *table = is_method ? called->params : route.body;
		if (!table) return {};
		Json shape = fields::schema(table);
		bool is_needed = false;
		for (const pb_field *f = table; f->name; ++f) {
			const bool is_elsewhere = is_method && (is_variable(f->name) || field_of(route.query, f->name));
			if (is_elsewhere) leave_out(shape, f->name);
			else is_needed = is_needed || is_required(*f);
		}
		const bool is_strict = is_method || (route.flags & PB_ROUTE_STRICT) != 0;
		if (!is_strict) json_object_del(shape.get(), "additionalProperties");
		return Json{{"required", is_needed}, {"content", Json{{"application/json", Json{{"schema", std::move(shape)}}}}}};
	}

	static void leave_out(Json &shape, const char *name)
	{
		json_object_del(json_object_get(shape.get(), "properties"), name);
		json_t *required = json_object_get(shape.get(), "required");
		for (std::size_t i = json_array_size(required); i > 0; --i)
			if (pb::text_of(json_array_get(required, i - 1)) == name) json_array_remove(required, i - 1);
		if (required && json_array_size(required) == 0) json_object_del(shape.get(), "required");
	}

	[[nodiscard]] Json responses(bool is_native) const
	{
		Json content = Json::object();
		for (std::string_view all = route.produces; !all.empty();) content.set(std::string(take_until(all, ',')).c_str(), Json::object());
		Json out{{"2XX", Json{{"description", "done"}, {"content", std::move(content)}}}};
		if (route.target == RouteItem::Target::topic) out.set("304", Json{{"description", "the value that If-None-Match names is still the newest"}});
		if (is_native) out.set("default", Json{{"$ref", "#/components/responses/Error"}});
		else out.set("default", Json{{"description", "refused or failed"}, {"content", Json{{"application/json", Json::object()}}}});
		return out;
	}

	const RouteItem &route;
	const MethodItem *called;
};

Json components()
{
	const char *const text = R"({
"securitySchemes":{"bearer":{"type":"http","scheme":"bearer"},"apiKey":{"type":"apiKey","in":"header","name":"X-API-Key"}},
"schemas":{"Error":{"type":"object","required":["success","error","message","timestamp"],"properties":{
 "success":{"const":false},
 "error":{"description":"a code; for a request that fails validation an object with it","anyOf":[{"type":"string"},{"type":"object","required":["code","message","details"],"properties":{
  "code":{"type":"string"},"message":{"type":"string"},"details":{"type":"array","items":{"type":"object","required":["field","message"],"properties":{"field":{"type":"string"},"message":{"type":"string"},"value":{}}}}}}]},
 "message":{"type":"string"},"details":{},"retryAfter":{"type":"integer","description":"seconds; with 429"},"timestamp":{"type":"string","format":"date-time"}}}},
"responses":{"Error":{"description":"refused or failed; the code says why","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Error"}}}}}})";
	return Json::parse(text);
}
} // namespace

std::string describe_api(const std::vector<const RouteItem *> &routes, const Methods &methods)
{
	Json paths = Json::object();
	for (const RouteItem *route : routes) {
		const Operation operation(*route, methods);
		for (const std::string &p : route->paths) {
			const std::string path = path_of(p);
			if (!json_object_get(paths.get(), path.c_str())) paths.set(path.c_str(), Json::object());
			json_object_set_new(json_object_get(paths.get(), path.c_str()), lower(route->method).c_str(), operation.describe(path).release());
		}
	}
	Json security = Json::array(); // any of these; none where [auth] mode is "none"
	security.push(Json{{"bearer", Json::array()}}).push(Json{{"apiKey", Json::array()}}).push(Json::object());
	const Json out{{"openapi", "3.1.0"},
		{"info", Json{{"title", "Patchbay"}, {"version", PATCHBAY_VERSION}, {"description", "What this daemon serves now; it changes with its plugins."}}},
		{"security", std::move(security)}, {"paths", std::move(paths)}, {"components", components()}};
	return out.text();
}

OpenApi::OpenApi(Router &router_, const Methods &methods_, Scope &scope) : router(router_), methods(methods_)
{
	(void)router.add(scope, CoreRoute{"GET /openapi.json", "this description", bind<&OpenApi::on_request>(this)}); // a good pattern, before any plugin's
}

void OpenApi::on_request(Request &request, const json_t *) noexcept
{
	if (text.empty() || routes_seen != router.changes || methods_seen != methods.changes) {
		routes_seen = router.changes;
		methods_seen = methods.changes;
		text = describe_api(router.all(), methods);
		etag = fmt::format("\"{:x}\"", std::hash<std::string>()(text));
	}
	const pb_header headers[]{{"Content-Type", "application/json"}, {"ETag", etag.c_str()}};
	request.respond(200, headers, text);
}

} // namespace core::http
