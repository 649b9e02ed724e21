// A table of fields for people and programs: GET methods, /openapi.json, and values without their secrets.
#include "fields/check.hpp"
#include "fields/fallback.hpp"
#include "fields/shape.hpp"
#include "fields/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace core::fields {

namespace {
constexpr int deepest = 8; // a table of fields may refer to itself

pb::Json describe(const pb_field *fields, int depth);

std::string_view base_name(const pb_field &f) noexcept
{
	constexpr std::array<std::string_view, 9> names{"", "string", "integer", "number", "boolean", "duration", "table", "any", "time"};
	return base_of(f) < names.size() ? names[base_of(f)] : "";
}

/// An integer where it is one, so that 65535 does not read 65535.0.
pb::Json limit(double v)
{
	if (std::abs(v) < 9007199254740992.0 && !(std::trunc(v) < v) && !(std::trunc(v) > v)) return static_cast<std::int64_t>(v);
	return v;
}

pb::Json limit_of(const pb_field &f, double v)
{
	const bool is_duration = base_of(f) == PB_DURATION && !is_list(f) && !is_map(f);
	return is_duration ? pb::Json(duration_text(v)) : limit(v);
}

pb::Json choices_of(const pb_field &f)
{
	pb::Json out = pb::Json::array();
	for (std::string_view rest = f.choices;;) {
		out.push(rest.substr(0, rest.find('|')));
		if (rest.find('|') == std::string_view::npos) return out;
		rest.remove_prefix(rest.find('|') + 1);
	}
}

pb::Json default_of(const pb_field &f) { return is_required(f) || is_optional(f) || is_secret(f) ? pb::Json(nullptr) : parse_fallback(f); }

pb::Json describe(const pb_field &f, int depth)
{
	pb::Json out{{"name", f.name}, {"type", type_name(f)}, {"required", is_required(f)}, {"default", default_of(f)},
		{"min", has_limits(f) ? limit_of(f, f.min) : pb::Json(nullptr)}, {"max", has_upper_limit(f) ? limit_of(f, f.max) : pb::Json(nullptr)},
		{"help", f.help ? f.help : ""}};
	if (f.choices) out.set("choices", choices_of(f));
	if (is_secret(f)) out.set("secret", true);
	if (f.fields && depth < deepest) out.set("fields", describe(f.fields, depth + 1));
	return out;
}

pb::Json describe(const pb_field *fields, int depth)
{
	pb::Json out = pb::Json::array();
	for (const pb_field *f = fields; f && f->name; ++f) out.push(describe(*f, depth));
	return out;
}

pb::Json schema(const pb_field *fields, int depth);

void set_limits(const pb_field &f, pb::Json &out, const char *least, const char *most)
{
	if (has_limits(f)) out.set(least, limit(f.min));
	if (has_upper_limit(f)) out.set(most, limit(f.max));
}

/// The field's type alone, without what is said of it.
pb::Json shape_of(const pb_field &f, int depth)
{
	if (is_map(f)) {
		pb::Json out{{"type", "object"}, {"additionalProperties", shape_of(element_of(f), depth)}};
		return set_limits(f, out, "minProperties", "maxProperties"), std::move(out);
	}
	if (is_list(f)) {
		pb::Json out{{"type", "array"}, {"items", shape_of(element_of(f), depth)}};
		return set_limits(f, out, "minItems", "maxItems"), std::move(out);
	}
	switch (base_of(f)) {
	case PB_INTEGER: {
		pb::Json out{{"type", "integer"}, {"format", "int64"}};
		return set_limits(f, out, "minimum", "maximum"), std::move(out);
	}
	case PB_NUMBER: {
		pb::Json out{{"type", "number"}};
		return set_limits(f, out, "minimum", "maximum"), std::move(out);
	}
	case PB_BOOLEAN: return {{"type", "boolean"}};
	case PB_DURATION: return {{"type", "string"}, {"pattern", "^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$"}};
	case PB_TIME: return {{"type", "string"}, {"format", "date-time"}};
	case PB_TABLE: return schema(f.fields, depth + 1);
	case PB_STRING: {
		pb::Json out{{"type", "string"}};
		if (f.choices) out.set("enum", choices_of(f));
		return set_limits(f, out, "minLength", "maxLength"), std::move(out);
	}
	default: return pb::Json::object();
	}
}

pb::Json schema_of(const pb_field &f, int depth)
{
	pb::Json out = shape_of(f, depth);
	if (may_be_string(f) && base_of(f) != PB_ANY) {
		pb::Json text{{"type", "string"}};
		if (f.choices) text.set("enum", choices_of(f));
		pb::Json either = pb::Json::array();
		either.push(std::move(out)).push(std::move(text));
		out = pb::Json{{"anyOf", std::move(either)}};
	}
	if (f.help && *f.help) out.set("description", f.help);
	if (pb::Json fallback = default_of(f); fallback && !json_is_null(fallback.get())) out.set("default", std::move(fallback));
	if (is_secret(f)) out.set("writeOnly", true);
	return out;
}

pb::Json schema(const pb_field *fields, int depth)
{
	pb::Json out{{"type", "object"}};
	if (depth > deepest) return out;
	pb::Json properties = pb::Json::object(), required = pb::Json::array();
	for (const pb_field *f = fields; f && f->name; ++f) {
		properties.set(f->name, schema_of(*f, depth));
		if (is_required(*f)) required.push(f->name);
	}
	out.set("properties", std::move(properties));
	if (json_array_size(required.get()) > 0) out.set("required", std::move(required));
	out.set("additionalProperties", false);
	return out;
}

bool sounds_secret(std::string_view name)
{
	constexpr std::array<std::string_view, 6> words{"password", "secret", "token", "hash", "passphrase", "api_key"};
	return std::ranges::any_of(words, [&](std::string_view w) { return name.find(w) != std::string_view::npos; });
}

pb::Json masked(const pb_field *field, std::string_view name, const json_t *v, int depth);

pb::Json masked_members(const pb_field *fields, const json_t *object, const pb_field *each, int depth)
{
	pb::Json out = pb::Json::object();
	const char *key;
	json_t *v;
	json_object_foreach(const_cast<json_t *>(object), key, v) {
		const pb_field *field = each;
		for (const pb_field *f = fields; f && f->name; ++f)
			if (std::string_view(f->name) == key) field = f;
		out.set(key, masked(field, each ? "" : key, v, depth + 1));
	}
	return out;
}

pb::Json masked(const pb_field *field, std::string_view name, const json_t *v, int depth)
{
	if (field ? is_secret(*field) : sounds_secret(name)) {
		if (!json_is_null(v) && !json_is_boolean(v)) return "***";
	}
	if (depth > 64) return "…";
	const pb_field element = field && (is_map(*field) || is_list(*field)) ? element_of(*field) : pb_field{};
	const pb_field *each = element.type != 0 ? &element : nullptr;
	if (json_is_object(v)) return masked_members(each || !field ? nullptr : field->fields, v, each, depth);
	if (!json_is_array(v)) return pb::Json::share(v);
	pb::Json out = pb::Json::array();
	std::size_t i;
	json_t *e;
	json_array_foreach(const_cast<json_t *>(v), i, e) out.push(masked(each, "", e, depth + 1));
	return out;
}
} // namespace

std::string type_name(const pb_field &f)
{
	const std::string name = fmt::format("{}{}{}", is_map(f) ? "map of " : "", is_list(f) ? "list of " : "", base_name(f));
	return may_be_string(f) && base_of(f) != PB_STRING && base_of(f) != PB_ANY ? "string or " + name : name;
}

std::string flaw_of(const pb_field *fields)
{
	for (const pb_field *f = fields; f && f->name; ++f) {
		if (base_name(*f).empty()) return fmt::format("{}: type {:#x} is none", f->name, f->type);
		if (base_of(*f) == PB_TABLE && !f->fields) return fmt::format("{}: a table without fields", f->name);
		if (is_required(*f) || is_optional(*f)) continue;
		std::vector<Fault> faults;
		pb::Json object = pb::Json::object();
		fill_in(*f, object, faults);
		if (!faults.empty()) return fmt::format("{}: the default {} does not pass: {} {}", f->name, f->fallback, faults[0].path, faults[0].message);
	}
	return {};
}

pb::Json describe(const pb_field *fields) { return describe(fields, 0); }
pb::Json schema(const pb_field *fields) { return schema(fields, 0); }
pb::Json schema_of(const pb_field &field) { return schema_of(field, 0); }
pb::Json without_secrets(const pb_field *fields, const json_t *given) { return masked_members(fields, given, nullptr, 0); }

} // namespace core::fields
