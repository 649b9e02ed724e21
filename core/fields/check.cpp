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
constexpr std::size_t most_faults = 256;
constexpr std::size_t most_shown = 256; // bytes of a value that are given back
constexpr int deepest = 32;             // tables in tables; the tables of fields may refer to themselves

/// Where a value stands, as a chain on the stack: made into text only where there is a fault.
struct Path {
	const Path *parent = nullptr;
	std::string_view key{};
	std::size_t index = 0;
	bool is_index = false;

	[[nodiscard]] std::string text() const
	{
		std::string out = parent ? parent->text() : "";
		if (is_index) return out + fmt::format("[{}]", index);
		if (key.empty()) return out;
		if (!out.empty()) out += '.';
		return out.append(key);
	}
};

std::string_view kind_of(const json_t *j) noexcept
{
	switch (json_typeof(j)) {
	case JSON_OBJECT: return "a table";
	case JSON_ARRAY: return "a list";
	case JSON_STRING: return "a string";
	case JSON_INTEGER: return "an integer";
	case JSON_REAL: return "a number with a fraction";
	case JSON_TRUE:
	case JSON_FALSE: return "a boolean";
	case JSON_NULL: return "null";
	}
	return "nothing";
}

std::string cut(std::string_view text)
{
	if (text.size() <= most_shown) return std::string(text);
	std::size_t n = most_shown;
	while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) --n; // not within a character
	return std::string(text.substr(0, n)) + "…";
}

/// What may be given back of a value: long text is cut, large lists and tables are left out.
pb::Json shown(const json_t *j)
{
	if (!j) return {};
	if (json_is_string(j)) return cut(pb::text_of(j));
	if (!json_is_array(j) && !json_is_object(j)) return pb::Json::share(j);
	std::array<char, most_shown> buffer;
	const std::size_t n = json_dumpb(j, buffer.data(), buffer.size(), JSON_COMPACT);
	return n > 0 && n <= buffer.size() ? pb::Json::share(j) : pb::Json{};
}

bool holds_secret(const pb_field *fields, int depth = 0) noexcept
{
	for (const pb_field *f = fields; f && f->name; ++f)
		if (is_secret(*f) || (f->fields && depth < deepest && holds_secret(f->fields, depth + 1))) return true;
	return false;
}

bool is_choice(std::string_view text, std::string_view choices) noexcept
{
	for (;;) {
		const std::size_t bar = choices.find('|');
		if (choices.substr(0, bar) == text) return true;
		if (bar == std::string_view::npos) return false;
		choices.remove_prefix(bar + 1);
	}
}

std::string choices_text(std::string_view choices)
{
	std::string out(choices);
	for (std::size_t at = 0; (at = out.find('|', at)) != std::string::npos; at += 2) out.replace(at, 1, ", ");
	return out;
}

// An integer against a limit that is a double: a comparison as doubles would take 2^63 - 1 for 2^63.
constexpr double two_63 = 9223372036854775808.0;
bool is_below(std::int64_t n, double limit) noexcept
{
	if (limit >= two_63) return true;
	return limit >= -two_63 && n < static_cast<std::int64_t>(std::ceil(limit));
}
bool is_above(std::int64_t n, double limit) noexcept
{
	if (limit < -two_63) return true;
	return limit < two_63 && n > static_cast<std::int64_t>(std::floor(limit));
}

/// "must be between 1 and 65535", "must have at least 1 byte".
std::string limits_text(const pb_field &f, std::string_view verb, std::string_view unit, std::string (*as_text)(double))
{
	if (!has_upper_limit(f)) return fmt::format("{} at least {}{}", verb, as_text(f.min), unit);
	if (!(f.min < f.max)) return fmt::format("{} exactly {}{}", verb, as_text(f.min), unit);
	return fmt::format("{} between {} and {}{}", verb, as_text(f.min), as_text(f.max), unit);
}
std::string plain_text(double v) { return fmt::format("{:.15g}", v); }

class Checker {
public:
	Checker(Unknown unknown_, std::vector<Fault> &faults_) : unknown(unknown_), faults(faults_) {}

	pb::Json table(const pb_field *fields, const json_t *given, const Path &path, int depth)
	{
		pb::Json out = pb::Json::object();
		if (depth > deepest) {
			fault(path, "is nested too deeply", {});
			return out;
		}
		for (const pb_field *f = fields; f && f->name; ++f) {
			const Path here{&path, f->name};
			const json_t *v = pb::at(given, f->name);
			const bool is_left_out = !v || (json_is_null(v) && is_optional(*f) && base_of(*f) != PB_ANY);
			if (is_left_out) fill_in(*f, out, here, depth);
			else set(out, f->name, value(*f, v, here, depth));
		}
		if (unknown == Unknown::refuse) find_unknown(fields, given, path);
		return out;
	}

	void fill_in(const pb_field &f, pb::Json &out, const Path &path, int depth)
	{
		if (is_required(f)) return fault(path, "is required", {});
		if (is_optional(f)) return;
		const pb::Json made = parse_fallback(f);
		if (!made) return fault(path, fmt::format("has a default that is no value: {}", f.fallback), {});
		set(out, f.name, value(f, made.get(), path, depth));
	}

	/// Empty where there was a fault.
	pb::Json value(const pb_field &f, const json_t *v, const Path &path, int depth)
	{
		if (json_is_string(v) && may_be_string(f)) return also_string(f, v, path, depth);
		if (is_map(f)) return map(f, v, path, depth);
		if (is_list(f)) return list(f, v, path, depth);
		switch (base_of(f)) {
		case PB_STRING: return string(f, v, path);
		case PB_INTEGER: return integer(f, v, path);
		case PB_NUMBER: return number(f, v, path);
		case PB_BOOLEAN: return json_is_boolean(v) ? pb::Json::share(v) : wrong(f, v, path, "true or false");
		case PB_DURATION: return duration(f, v, path);
		case PB_TIME: return time(f, v, path);
		case PB_ANY: return pb::Json::share(v);
		case PB_TABLE: return json_is_object(v) ? table(f.fields, v, path, depth + 1) : wrong(f, v, path, "a table");
		default: return fault(path, "has a type that is not known", {}), pb::Json{};
		}
	}

	void size(const pb_field &f, std::size_t n, const Path &path, std::string_view unit, const json_t *v)
	{
		if (!has_limits(f)) return;
		const auto count = static_cast<std::int64_t>(n);
		if (!is_below(count, f.min) && !(has_upper_limit(f) && is_above(count, f.max))) return;
		refuse(f, path, fmt::format("{}, has {}", limits_text(f, "must have", unit, plain_text), n), v);
	}

	void fault(const Path &path, std::string message, pb::Json given)
	{
		if (faults.size() < most_faults) faults.push_back({path.text(), std::move(message), std::move(given)});
	}

private:
	static void set(pb::Json &out, const char *name, pb::Json v)
	{
		if (v) out.set(name, std::move(v));
	}

	void refuse(const pb_field &f, const Path &path, std::string message, const json_t *v)
	{
		fault(path, std::move(message), is_secret(f) || holds_secret(f.fields) ? pb::Json{} : shown(v));
	}
	pb::Json wrong(const pb_field &f, const json_t *v, const Path &path, std::string_view wanted)
	{
		refuse(f, path, fmt::format("must be {}{}, not {}", wanted, may_be_string(f) ? " or a string" : "", kind_of(v)), v);
		return {};
	}
	pb::Json out_of_range(const pb_field &f, const json_t *v, const Path &path, std::string (*as_text)(double) = plain_text)
	{
		refuse(f, path, limits_text(f, "must be", "", as_text), v);
		return {};
	}
	static bool is_outside(const pb_field &f, double n) noexcept { return has_limits(f) && (n < f.min || (has_upper_limit(f) && n > f.max)); }

	void find_unknown(const pb_field *fields, const json_t *given, const Path &path)
	{
		const char *key;
		json_t *v;
		json_object_foreach(const_cast<json_t *>(given), key, v) {
			std::vector<std::string_view> names;
			for (const pb_field *f = fields; f && f->name; ++f) names.emplace_back(f->name);
			if (std::ranges::find(names, std::string_view(key)) != names.end()) continue;
			if (faults.size() >= most_faults) return;
			const std::string near = nearest(key, names);
			fault({&path, key}, near.empty() ? "is not known" : fmt::format("is not known; did you mean {}?", near),
				holds_secret(fields) ? pb::Json{} : shown(v)); // a mistyped "password" is one still
		}
	}

	pb::Json map(const pb_field &f, const json_t *v, const Path &path, int depth)
	{
		if (!json_is_object(v)) return wrong(f, v, path, "a table");
		size(f, json_object_size(v), path, " members", v);
		pb::Json out = pb::Json::object();
		const pb_field element = element_of(f);
		const char *key;
		json_t *e;
		json_object_foreach(const_cast<json_t *>(v), key, e) set(out, key, value(element, e, {&path, key}, depth));
		return out;
	}

	pb::Json list(const pb_field &f, const json_t *v, const Path &path, int depth)
	{
		if (!json_is_array(v)) return wrong(f, v, path, "a list");
		size(f, json_array_size(v), path, " entries", v);
		pb::Json out = pb::Json::array();
		const pb_field element = element_of(f);
		std::size_t i;
		json_t *e;
		json_array_foreach(const_cast<json_t *>(v), i, e) {
			pb::Json made = value(element, e, {&path, {}, i, true}, depth);
			if (made) out.push(std::move(made));
		}
		return out;
	}

	/// A string where another type is wanted as well: one that reads as that type is of it; a list's is its only entry.
	pb::Json also_string(const pb_field &f, const json_t *v, const Path &path, int depth)
	{
		if (is_list(f) && !is_map(f) && base_of(f) == PB_STRING) {
			pb::Json one = pb::Json::array();
			one.push(pb::Json::share(v));
			return list(f, one.get(), path, depth);
		}
		const bool is_one = !is_list(f) && !is_map(f);
		if (is_one && base_of(f) == PB_STRING) return string(f, v, path);
		if (is_one && base_of(f) == PB_DURATION && parse_duration(pb::text_of(v))) return duration(f, v, path);
		if (is_one && base_of(f) == PB_TIME && parse_time(pb::text_of(v))) return time(f, v, path);
		return text(f, v, path) ? pb::Json::share(v) : pb::Json{};
	}

	/// What holds for any string: C code on the other side stops at a NUL, and only the choices are allowed.
	bool text(const pb_field &f, const json_t *v, const Path &path)
	{
		const std::string_view s = pb::text_of(v);
		if (s.find('\0') != std::string_view::npos) return refuse(f, path, "has a NUL byte in it", nullptr), false;
		if (!f.choices || is_choice(s, f.choices)) return true;
		std::vector<std::string_view> all;
		for (std::string_view rest = f.choices; !rest.empty(); rest.remove_prefix(std::min(rest.find('|'), rest.size() - 1) + 1))
			all.push_back(rest.substr(0, rest.find('|')));
		const std::string near = is_secret(f) ? "" : nearest(s, all);
		refuse(f, path, fmt::format("must be one of {}{}", choices_text(f.choices), near.empty() ? "" : fmt::format("; did you mean {}?", near)), v);
		return false;
	}

	pb::Json string(const pb_field &f, const json_t *v, const Path &path)
	{
		if (!json_is_string(v)) return wrong(f, v, path, "a string");
		if (!text(f, v, path)) return {};
		size(f, json_string_length(v), path, " bytes", v);
		return pb::Json::share(v);
	}

	pb::Json integer(const pb_field &f, const json_t *v, const Path &path)
	{
		if (!json_is_integer(v)) return wrong(f, v, path, "an integer");
		const std::int64_t n = json_integer_value(v);
		if (has_limits(f) && (is_below(n, f.min) || (has_upper_limit(f) && is_above(n, f.max)))) return out_of_range(f, v, path);
		return pb::Json::share(v);
	}

	pb::Json number(const pb_field &f, const json_t *v, const Path &path)
	{
		if (!json_is_number(v)) return wrong(f, v, path, "a number");
		const double n = json_number_value(v);
		return is_outside(f, n) ? out_of_range(f, v, path) : pb::Json(n);
	}

	pb::Json duration(const pb_field &f, const json_t *v, const Path &path)
	{
		constexpr std::string_view wanted = "a duration with its unit (\"250ms\", \"5s\", \"10m\", \"1h\", \"2d\")";
		if (!json_is_string(v)) return wrong(f, v, path, wanted);
		const auto seconds = parse_duration(pb::text_of(v));
		if (!seconds) return refuse(f, path, fmt::format("must be {}", wanted), v), pb::Json{};
		return is_outside(f, *seconds) ? out_of_range(f, v, path, duration_text) : pb::Json(*seconds);
	}

	pb::Json time(const pb_field &f, const json_t *v, const Path &path)
	{
		constexpr std::string_view wanted = "a time as in ISO 8601 (\"2026-11-24T10:00:00Z\")";
		if (!json_is_string(v)) return wrong(f, v, path, wanted);
		const auto seconds = parse_time(pb::text_of(v));
		if (!seconds) return refuse(f, path, fmt::format("must be {}", wanted), v), pb::Json{};
		return is_outside(f, *seconds) ? out_of_range(f, v, path) : pb::Json(*seconds);
	}

	const Unknown unknown;
	std::vector<Fault> &faults;
};
} // namespace

pb::Json check(const pb_field *fields, const json_t *given, Unknown unknown, std::vector<Fault> &faults, std::string_view path)
{
	Checker checker(unknown, faults);
	const Path top{nullptr, path};
	if (given && !json_is_object(given) && !json_is_null(given)) {
		checker.fault(top, fmt::format("must be a table (a JSON object), not {}", kind_of(given)), {});
		return pb::Json::object();
	}
	return checker.table(fields, given, top, 0);
}

void fill_in(const pb_field &f, pb::Json &object, std::vector<Fault> &faults)
{
	Checker checker(Unknown::refuse, faults);
	const Path path{nullptr, f.name};
	const json_t *there = pb::at(object.get(), f.name);
	if (!there) checker.fill_in(f, object, path, 0);
	else if (is_list(f) && json_is_array(there)) checker.size(f, json_array_size(there), path, " entries", there);
}

void check_value(const pb_field &f, const json_t *given, pb::Json &object, std::vector<Fault> &faults)
{
	pb::Json made = Checker(Unknown::refuse, faults).value(f, given, {nullptr, f.name}, 0);
	if (made) object.set(f.name, std::move(made));
}

Error as_error(std::vector<Fault> faults)
{
	std::string text = "Invalid request parameters: ";
	pb::Json details = pb::Json::array();
	for (std::size_t i = 0; i < faults.size(); ++i) {
		const std::string field = cut(faults[i].path);
		if (i < 8) text += fmt::format("{}{}{}{}", i > 0 ? "; " : "", field, field.empty() ? "" : " ", faults[i].message);
		else if (i == 8) text += fmt::format("; and {} more", faults.size() - i);
		details.push({{"field", field}, {"message", faults[i].message}, {"value", std::move(faults[i].value)}});
	}
	return {std::move(text), 400, "VALIDATION_ERROR", std::move(details)};
}

} // namespace core::fields
