#include "typed.hpp"
#include "failure.hpp"

#include "terminal/text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace ctl {

namespace {

[[noreturn]] void refuse(std::string_view key, std::string_view text, std::string_view what)
{
	throw Failure(bad_usage, fmt::format("{}={}: it must be {}", harmless(key), harmless(text), what));
}

template<typename T> T number(std::string_view key, std::string_view text, std::string_view what)
{
	T value{};
	const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
	if (error != std::errc() || end != text.data() + text.size()) refuse(key, text, what);
	return value;
}

pb::Json real(std::string_view key, std::string_view text)
{
	const auto value = number<double>(key, text, "a number");
	if (!std::isfinite(value)) refuse(key, text, "a number");
	return value;
}

pb::Json boolean(std::string_view key, std::string_view text)
{
	if (text == "true" || text == "yes" || text == "on" || text == "1") return true;
	if (text == "false" || text == "no" || text == "off" || text == "0") return false;
	refuse(key, text, "true or false");
}

pb::Json json(std::string_view key, std::string_view text, std::string_view what)
{
	std::string why;
	pb::Json out = pb::Json::parse(text, &why);
	if (!out) refuse(key, text, fmt::format("{} as JSON ({})", what, harmless(why)));
	return out;
}

bool looks_like_json(std::string_view text) noexcept { return text.starts_with('{') || text.starts_with('['); }

pb::Json list(std::string_view key, std::string_view element, std::string_view text)
{
	if (text.starts_with('[')) return json(key, text, "a list");
	pb::Json out = pb::Json::array();
	while (!text.empty()) {
		const std::size_t comma = text.find(',');
		out.push(typed(key, element, text.substr(0, comma)));
		if (comma == std::string_view::npos) break;
		text.remove_prefix(comma + 1);
	}
	return out;
}

} // namespace

pb::Json typed(std::string_view key, std::string_view type, std::string_view text)
{
	constexpr std::string_view or_string = "string or ", list_of = "list of ", map_of = "map of ";
	if (type.starts_with(or_string)) return looks_like_json(text) ? typed(key, type.substr(or_string.size()), text) : pb::Json(text);
	if (type.starts_with(map_of)) return json(key, text, "a table");
	if (type.starts_with(list_of)) return list(key, type.substr(list_of.size()), text);
	if (type == "integer") return number<std::int64_t>(key, text, "a whole number");
	if (type == "number") return real(key, text);
	if (type == "boolean") return boolean(key, text);
	if (type == "table") return json(key, text, "a table");
	if (type == "any") {
		pb::Json out = pb::Json::parse(text);
		return out ? std::move(out) : pb::Json(text);
	}
	return text; // string, duration, time: the daemon knows their forms
}

} // namespace ctl
