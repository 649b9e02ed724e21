// The configuration for people: complete, without secrets, and what in it is not the default.
#include "config/config.hpp"

#include "fields/fallback.hpp"
#include "fields/shape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace core::config {

namespace {

using fields::element_of;
using fields::is_list;
using fields::is_map;

pb::Json default_of(const pb_field &f)
{
	return fields::is_required(f) || fields::is_optional(f) || fields::is_secret(f) ? pb::Json(nullptr) : fields::parse_fallback(f);
}

bool is_plain_table(const pb_field &f) noexcept { return f.fields && !is_map(f) && !is_list(f); }
bool is_map_of_tables(const pb_field &f) noexcept { return f.fields && is_map(f) && !is_list(f); }

/// `given` with the defaults of what is not there.
pb::Json completed(const pb_field *fields, const json_t *given)
{
	pb::Json out = pb::Json::object();
	for (const pb_field *f = fields; f && f->name; ++f) {
		const pb::Json value = pb::at(given, f->name) ? pb::Json::share(pb::at(given, f->name)) : default_of(*f);
		if (is_plain_table(*f) && json_is_object(value.get())) out.set(f->name, completed(f->fields, value.get()));
		else if (is_map_of_tables(*f) && json_is_object(value.get())) {
			pb::Json map = pb::Json::object();
			const char *key;
			json_t *v;
			json_object_foreach(value.get(), key, v) map.set(key, json_is_object(v) ? completed(f->fields, v) : pb::Json::share(v));
			out.set(f->name, std::move(map));
		} else out.set(f->name, pb::Json::share(value.get()));
	}
	json_object_update_missing(out.get(), const_cast<json_t *>(given)); // what no field is known of
	return out;
}

bool is_same(const json_t *a, const json_t *b)
{
	if (json_is_number(a) && json_is_number(b)) return std::abs(json_number_value(a) - json_number_value(b)) < 1e-9;
	if (json_is_string(a) && json_is_string(b)) { // "60s" is "1m"
		const auto x = fields::parse_duration(pb::text_of(a)), y = fields::parse_duration(pb::text_of(b));
		if (x && y) return std::abs(*x - *y) < 1e-9;
	}
	return json_equal(a, b) != 0;
}

/// Walks what was given beside the same without secrets, which is what is told.
class Differences {
public:
	explicit Differences(const Config &config_) : config(config_) {}
	void table(const pb_field *fields, const json_t *given, const json_t *shown, const std::string &path)
	{
		const char *key;
		json_t *v;
		json_object_foreach(const_cast<json_t *>(given), key, v) {
			const pb_field *field = nullptr;
			for (const pb_field *f = fields; f && f->name; ++f)
				if (std::string_view(f->name) == key) field = f;
			value(field, v, pb::at(shown, key), path.empty() ? key : path + "." + key);
		}
	}
	void tell(const std::string &path, const json_t *shown, pb::Json usual)
	{
		const auto place = config.places.find(path);
		if (place == config.places.end()) return; // a default
		out.push({{"key", path}, {"value", pb::Json::share(shown)}, {"default", std::move(usual)}, {"file", place->second.file}, {"line", place->second.line}});
	}
	pb::Json out = pb::Json::array();

private:
	void value(const pb_field *field, const json_t *given, const json_t *shown, const std::string &path)
	{
		if (!field) return tell(path, shown, nullptr);
		if (is_plain_table(*field) && json_is_object(given)) return table(field->fields, given, shown, path);
		if (is_map_of_tables(*field) && json_is_object(given)) {
			const char *key;
			json_t *v;
			json_object_foreach(const_cast<json_t *>(given), key, v) {
				if (json_is_object(v)) table(field->fields, v, pb::at(shown, key), path + "." + key);
				else tell(path + "." + key, pb::at(shown, key), nullptr);
			}
			return;
		}
		pb::Json usual = default_of(*field);
		if (!is_same(given, usual.get())) tell(path, shown, std::move(usual));
	}
	const Config &config;
};

const json_t *table_of(const Config &config, const std::string &plugin)
{
	const auto i = config.plugins.find(plugin);
	return i == config.plugins.end() ? nullptr : i->second.get();
}

} // namespace

pb::Json show(const Config &config, const std::vector<std::string> &plugins, const SettingsOf &settings_of)
{
	pb::Json out = fields::without_secrets(core_fields(), config.core_table.get());
	pb::Json tables = pb::Json::object();
	for (const std::string &name : plugins) {
		const pb_field *fields = settings_of(name);
		const pb::Json whole = completed(fields, table_of(config, name));
		const auto on = config.enabled.find(name);
		pb::Json shown = pb::Json{{"enabled", on == config.enabled.end() || on->second}};
		json_object_update(shown.get(), fields::without_secrets(fields, whole.get()).get());
		tables.set(name.c_str(), std::move(shown));
	}
	out.set("plugins", std::move(tables));
	return out;
}

pb::Json differences(const Config &config, const SettingsOf &settings_of)
{
	Differences found(config);
	found.table(core_fields(), config.core_table.get(), fields::without_secrets(core_fields(), config.core_table.get()).get(), "");
	for (const auto &[name, table] : config.plugins) {
		const std::string path = "plugins." + name;
		if (const auto on = config.enabled.find(name); on != config.enabled.end() && !on->second) found.tell(path + ".enabled", pb::Json(false).get(), true);
		const pb_field *fields = settings_of(name);
		found.table(fields, table.get(), fields::without_secrets(fields, table.get()).get(), path);
	}
	return std::move(found.out);
}

} // namespace core::config
