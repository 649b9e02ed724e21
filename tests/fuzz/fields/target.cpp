// Values against fields: an object, a text of a query, a fallback, a duration, a time. What passes is of its field's type and
// within its limits, and checking it twice gives the same.
#include "fields/check.hpp"
#include "fields/fallback.hpp"

#include <cmath>
#include <cstdint>
#include <cstdlib>

namespace {

constexpr pb_field end{};
constexpr pb_field inner[] = {{"name", PB_STRING, nullptr, "", 1, 8, nullptr, nullptr}, {"port", PB_INTEGER, "80", "", 1, 65535, nullptr, nullptr},
	{"key", PB_STRING | PB_SECRET, "", "", 0, 0, nullptr, nullptr}, end};
constexpr pb_field fields[] = {{"text", PB_STRING, "\"x\"", "", 0, 16, nullptr, nullptr}, {"choice", PB_STRING, "\"a\"", "", 0, 0, "a|b|c", nullptr},
	{"integer", PB_INTEGER, "5", "", -1e18, 9.3e18, nullptr, nullptr}, {"number", PB_NUMBER, "0.5", "", -1, 1, nullptr, nullptr},
	{"flag", PB_BOOLEAN, "false", "", 0, 0, nullptr, nullptr}, {"wait", PB_DURATION, "5s", "", 0.1, 3600, nullptr, nullptr},
	{"since", PB_TIME, "", "", 0, 0, nullptr, nullptr}, {"list", PB_LIST | PB_INTEGER, "[]", "", 0, 3, nullptr, nullptr},
	{"map", PB_MAP | PB_LIST | PB_STRING, "{}", "", 0, 3, nullptr, nullptr}, {"table", PB_TABLE | PB_ALSO_STRING, "\"none\"", "", 0, 0, "none", inner},
	{"tables", PB_LIST | PB_TABLE, "[]", "", 0, 0, nullptr, inner}, {"any", PB_ANY, "", "", 0, 0, nullptr, nullptr}, end};

void must(bool is_so)
{
	if (!is_so) std::abort();
}

void check_object(const json_t *given)
{
	std::vector<core::fields::Fault> faults;
	const pb::Json made = core::fields::check(fields, given, core::fields::Unknown::refuse, faults);
	(void)core::fields::without_secrets(fields, given).text();
	if (!faults.empty()) {
		(void)core::fields::as_error(std::move(faults));
		return;
	}
	const double wait = json_real_value(pb::at(made.get(), "wait"));
	must(wait >= 0.1 && wait <= 3600);
	must(json_is_real(pb::at(made.get(), "number")) && std::abs(json_real_value(pb::at(made.get(), "number"))) <= 1);
	must(json_is_integer(pb::at(made.get(), "integer")) && json_is_boolean(pb::at(made.get(), "flag")));
	must(pb::text_at(made.get(), "text").size() <= 16 && json_array_size(pb::at(made.get(), "list")) <= 3);
	std::size_t i;
	json_t *t;
	json_array_foreach(const_cast<json_t *>(pb::at(made.get(), "tables")), i, t) must(!pb::text_at(t, "name").empty() && pb::integer_at(t, "port") >= 1);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	const std::string_view text(reinterpret_cast<const char *>(data), size);
	if (const pb::Json given = pb::Json::parse(text)) check_object(given.get());

	pb::Json object = pb::Json::object();
	std::vector<core::fields::Fault> faults;
	for (const pb_field *f = fields; f->name; ++f) {
		core::fields::check_text(*f, text, object, faults);
		core::fields::fill_in(*f, object, faults);
	}
	(void)core::fields::as_error(std::move(faults));

	if (const auto seconds = core::fields::parse_duration(text)) {
		const auto again = core::fields::parse_duration(core::fields::duration_text(*seconds));
		must(again && std::abs(*again - *seconds) <= 1e-6 * (1 + *seconds));
	}
	if (const auto time = core::fields::parse_time(text)) must(std::isfinite(*time));
	const std::string fallback(text.substr(0, text.find('\0')));
	pb_field field = fields[7];
	field.fallback = fallback.c_str();
	if (!fallback.empty()) (void)core::fields::parse_fallback(field);
	(void)core::fields::nearest(text, {"listen", "rate_limit", "max_body"});
	return 0;
}
