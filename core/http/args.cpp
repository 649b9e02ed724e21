#include "http/args.hpp"

#include "fields/check.hpp"

#include <fmt/format.h>

namespace core::http {

namespace {
using Faults = std::vector<fields::Fault>;

const pb_field *field_of(const pb_field *table, std::string_view name) noexcept
{
	for (const pb_field *f = table; f && f->name; ++f)
		if (name == f->name) return f;
	return nullptr;
}

bool is_json(std::string_view type) noexcept
{
	type = type.substr(0, type.find(';'));
	while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
	return type.empty() || equals_blind(type, "application/json") || equals_blind(type, "text/json") ||
		   (type.size() > 5 && equals_blind(type.substr(type.size() - 5), "+json"));
}

/// The body as an object, or null; a fault where it is something else.
pb::Json object_of(Result<pb::Json> &body, Faults &faults)
{
	if (!*body || json_is_null(body->get())) return {};
	if (json_is_object(body->get())) return std::move(*body);
	faults.push_back({"", "the body must be a JSON object", {}});
	return {};
}

bool reads_body(const Request &r, const RouteItem &route) noexcept
{
	if ((route.flags & (PB_ROUTE_ANY_BODY | PB_ROUTE_STREAM_BODY)) != 0) return false;
	return route.body || (r.head.method != Method::get && !r.is_head());
}

/// Text for a method: what JSON writes otherwise (numbers, booleans, lists) becomes that, all else stays as it was written,
/// since the method's own check reads it.
void add_text(const pb_field *field, std::string_view name, std::string_view text, pb::Json &args, Faults &faults)
{
	const std::uint32_t type = field ? field->type & 0xfU : std::uint32_t{PB_STRING};
	const bool is_list = field && (field->type & PB_LIST) != 0;
	const bool is_typed = type == PB_INTEGER || type == PB_NUMBER || type == PB_BOOLEAN || (is_list && type == PB_STRING) || type == PB_TABLE || type == PB_ANY;
	if (field && is_typed) fields::check_text(*field, text, args, faults);
	else args.set(std::string(name).c_str(), text);
}
} // namespace

Result<pb::Json> parse_body(const Request &r)
{
	if (r.body.empty()) return pb::Json();
	if (const std::string_view type = r.head.get("Content-Type"); !is_json(type))
		return fail(fmt::format("a body of type {} is not taken here; send application/json", pb::utf8(type.substr(0, 64))), 415);
	json_error_t e{};
	pb::Json out = pb::Json::own(json_loadb(r.body.data(), r.body.size(), JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e));
	if (!out) return fail(fmt::format("the body is not valid JSON: {} at byte {}", pb::utf8(e.text), e.position), 400, "INVALID_JSON");
	return out;
}

Result<pb::Json> args_for_handler(const Request &r, const RouteItem &route)
{
	static const pb::Json nothing = pb::Json::object(); // handlers only look
	const bool is_strict = (route.flags & PB_ROUTE_STRICT) != 0;
	Result<pb::Json> body = reads_body(r, route) ? parse_body(r) : Result<pb::Json>(pb::Json());
	if (!body) return body;
	if (route.variables.empty() && !route.query && !route.body && (!is_strict || r.query_pairs.empty())) return pb::Json::share(nothing.get());

	Faults faults;
	pb::Json args = pb::Json::object();
	for (std::size_t i = 0; i < route.variables.size() && i < r.values.size(); ++i) {
		const std::string &name = route.variables[i];
		if (const pb_field *f = field_of(route.path, name)) fields::check_text(*f, r.values[i], args, faults);
		else args.set(name.c_str(), r.values[i]);
	}
	pb::Json queried = pb::Json::object();
	for (const auto &[name, value] : r.query_pairs) {
		if (const pb_field *f = field_of(route.query, name)) fields::check_text(*f, value, queried, faults);
		else if (is_strict && !field_of(route.body, name)) faults.push_back({name, "is not a parameter of this route", pb::Json(value)});
	}
	for (const pb_field *f = route.query; f && f->name; ++f)
		if (!json_object_get(queried.get(), f->name) && faults.empty()) fields::fill_in(*f, queried, faults);
	json_object_update_missing(args.get(), queried.get());
	if (route.body) {
		const pb::Json given = object_of(body, faults);
		const pb::Json checked = fields::check(route.body, given.get(), is_strict ? fields::Unknown::refuse : fields::Unknown::ignore, faults);
		json_object_update_missing(args.get(), checked.get());
	}
	if (!faults.empty()) return tl::unexpected<Error>(fields::as_error(std::move(faults)));
	return args;
}

Result<pb::Json> args_for_method(const Request &r, const RouteItem &route, const MethodItem *method)
{
	Result<pb::Json> body = reads_body(r, route) ? parse_body(r) : Result<pb::Json>(pb::Json());
	if (!body) return body;
	Faults faults;
	const pb_field *params = method ? method->params : nullptr;
	const bool is_strict = (route.flags & PB_ROUTE_STRICT) != 0 || !method;
	pb::Json args = object_of(body, faults);
	if (!args) args = pb::Json::object();
	if (!is_strict) { // what is not declared is ignored
		void *next = nullptr;
		const char *name = nullptr;
		json_t *value = nullptr;
		json_object_foreach_safe(args.get(), next, name, value)
			if (!field_of(params, name)) json_object_del(args.get(), name);
	}
	pb::Json given = pb::Json::object();
	for (std::size_t i = 0; i < route.variables.size() && i < r.values.size(); ++i) {
		const std::string &name = route.variables[i];
		const pb_field *own = field_of(route.path, name);
		add_text(own ? own : field_of(params, name), name, r.values[i], given, faults);
	}
	json_object_update(args.get(), given.get());
	pb::Json queried = pb::Json::object();
	for (const auto &[name, value] : r.query_pairs) {
		const pb_field *own = field_of(route.query, name);
		const pb_field *field = own ? own : field_of(params, name);
		if (field || is_strict) {
			if (!json_object_get(given.get(), name.c_str())) add_text(field, name, value, queried, faults);
		}
	}
	json_object_update(args.get(), queried.get());
	if (!faults.empty()) return tl::unexpected<Error>(fields::as_error(std::move(faults)));
	return args;
}

} // namespace core::http
