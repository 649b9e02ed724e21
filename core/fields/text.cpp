// Values that come as text: path variables and queries.
#include "fields/check.hpp"
#include "fields/shape.hpp"
#include "fields/value.hpp"

#include <charconv>
#include <cmath>

namespace core::fields {

namespace {
/// As JSON, of the type that the field wants where it can be read so; else the text itself, which the check refuses.
pb::Json read(const pb_field &f, std::string_view text)
{
	const char *end = text.data() + text.size();
	switch (base_of(f)) {
	case PB_INTEGER: {
		std::int64_t n = 0;
		const auto r = std::from_chars(text.data(), end, n);
		return r.ec == std::errc() && r.ptr == end ? pb::Json(n) : pb::Json(text);
	}
	case PB_NUMBER: {
		double d = 0;
		const auto r = std::from_chars(text.data(), end, d);
		return r.ec == std::errc() && r.ptr == end && std::isfinite(d) ? pb::Json(d) : pb::Json(text);
	}
	case PB_BOOLEAN:
		if (text == "true" || text == "1") return true;
		if (text == "false" || text == "0") return false;
		return text;
	case PB_ANY:
	case PB_TABLE: {
		pb::Json j = pb::Json::parse(text);
		return j ? std::move(j) : pb::Json(text);
	}
	default: return text;
	}
}

/// "a,b" as a list, after what came before under the same name. Limits are the whole's: the lower one waits for fill_in.
void add_to_list(const pb_field &field, std::string_view text, pb::Json &object, std::vector<Fault> &faults)
{
	pb_field element = element_of(field);
	pb::Json one = pb::Json::object();
	const json_t *before = pb::at(object.get(), field.name);
	pb::Json list = json_is_array(before) ? pb::Json::share(before) : pb::Json::array();
	const std::size_t had = faults.size();
	while (!text.empty() && faults.size() == had) {
		const std::string_view part = text.substr(0, text.find(','));
		check_value(element, read(element, part).get(), one, faults);
		if (const json_t *v = pb::at(one.get(), field.name); v && faults.size() == had) list.push(pb::Json::share(v));
		text.remove_prefix(std::min(part.size() + 1, text.size()));
	}
	object.set(field.name, std::move(list));
}
} // namespace

void check_text(const pb_field &field, std::string_view text, pb::Json &object, std::vector<Fault> &faults)
{
	if (const pb::Json valid = pb::Json::own(json_stringn(text.data(), text.size())); !valid) {
		faults.push_back({field.name, "is not UTF-8", {}});
	} else if (is_list(field) && !is_map(field)) {
		add_to_list(field, text, object, faults);
	} else if (pb::at(object.get(), field.name)) {
		faults.push_back({field.name, "may stand there only once", {}});
	} else {
		pb_field whole = field;
		if (is_map(field)) whole.type = PB_ANY;
		check_value(field, read(whole, text).get(), object, faults);
	}
}

} // namespace core::fields
