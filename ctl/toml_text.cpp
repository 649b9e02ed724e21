#include "toml_text.hpp"

#include "look.hpp"
#include "terminal/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ctl {

namespace {

std::string key_text(std::string_view key)
{
	const bool is_bare = !key.empty() && std::ranges::all_of(key, [](char c) {
		return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
	});
	return is_bare ? std::string(key) : harmless_json(pb::Json(key).text());
}

std::string inline_text(const json_t *v)
{
	std::string out;
	if (json_is_array(v)) {
		for (const json_t *e : Entries(v)) out += fmt::format("{}{}", out.empty() ? "" : ", ", inline_text(e));
		return "[" + out + "]";
	}
	if (json_is_object(v)) {
		const char *key;
		json_t *member;
		json_object_foreach(const_cast<json_t *>(v), key, member)
			if (!json_is_null(member)) out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", key_text(key), inline_text(member));
		return out.empty() ? "{}" : "{ " + out + " }";
	}
	return harmless_json(pb::Json::share(v).text());
}

void table(const json_t *object, const std::string &path, std::string &out)
{
	std::string lines;
	const char *key;
	json_t *v;
	json_object_foreach(const_cast<json_t *>(object), key, v) {
		if (json_is_null(v)) lines += fmt::format("# {} is not set\n", key_text(key));
		else if (!json_is_object(v) || json_object_size(v) == 0) lines += fmt::format("{} = {}\n", key_text(key), inline_text(v));
	}
	if (!lines.empty() && !path.empty()) out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", path);
	out += lines;
	json_object_foreach(const_cast<json_t *>(object), key, v)
		if (json_is_object(v) && json_object_size(v) > 0) table(v, path.empty() ? key_text(key) : path + "." + key_text(key), out);
}

} // namespace

std::string toml_text(const json_t *value, const std::string &path)
{
	std::string out;
	if (json_is_object(value)) table(value, path, out);
	else out = fmt::format("{} = {}\n", harmless(path), inline_text(value));
	return out;
}

} // namespace ctl
