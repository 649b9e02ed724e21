// settings_page TEMPLATE PAGE PLUGIN…: patchbay.toml(5) out of the field tables that check the settings, so that it cannot lie.
#include "config/config.hpp"
#include "fields/check.hpp"

#include <patchbay/plugin.h>

#include <fmt/format.h>

#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>

namespace {

/// Text for mdoc: no control lines, no escapes of its own.
std::string plain(std::string_view text)
{
	std::string out = text.starts_with('.') || text.starts_with('\'') ? "\\&" : "";
	for (const char c : text) {
		if (c == '\\') out += "\\e";
		else if (c == '\n') out += ' ';
		else out += c;
	}
	return out;
}

/// A text line a sentence, as mdoc wants it.
std::string sentences(std::string_view text)
{
	std::string out = plain(text);
	for (std::size_t i = 0; (i = out.find(". ", i)) != std::string::npos; ++i) out[i + 1] = '\n';
	return out + (out.ends_with('.') ? "\n" : ".\n");
}

/// As an argument of a macro.
std::string quoted(std::string_view text)
{
	std::string out = plain(text);
	for (std::size_t i = 0; (i = out.find('"', i)) != std::string::npos; i += 4) out.replace(i, 1, "\\(dq");
	return "\"" + out + "\"";
}

std::string text_of(const json_t *value) { return pb::Json::share(value).text(); }

/// "between 1 and 65535", "one of a, b": what a value must keep to; empty: nothing.
std::string limits_of(const json_t *field)
{
	std::string out;
	const json_t *min = pb::at(field, "min"), *max = pb::at(field, "max"), *choice;
	const std::string_view type = pb::text_at(field, "type");
	const bool counts = type.find("list") != std::string_view::npos || type.find("map") != std::string_view::npos, is_text = type == "string";
	const auto bare = [](const json_t *v) { return json_is_string(v) ? std::string(json_string_value(v)) : text_of(v); };
	const char *unit = counts ? " entries" : is_text ? " bytes" : "";
	if (!json_is_null(min) && !json_is_null(max)) out = fmt::format("{} to {}{}", bare(min), bare(max), unit);
	else if (!json_is_null(min)) out = fmt::format("at least {}{}", bare(min), unit);
	std::size_t i;
	std::string choices;
	json_array_foreach(pb::at(field, "choices"), i, choice) choices += (choices.empty() ? "" : ", ") + text_of(choice);
	return choices.empty() ? out : "one of " + choices;
}

class Page {
public:
	/// One table and, behind it, the tables in it. path: "plugins.procs".
	void table(const std::string &path, const json_t *fields, std::string_view about)
	{
		text += fmt::format(".Ss {}\n", quoted(path.ends_with("[]") ? "[[" + path.substr(0, path.size() - 2) + "]]" : "[" + path + "]"));
		if (!about.empty()) text += sentences(about);
		if (json_array_size(fields) > 0) keys(fields);
		std::size_t i;
		json_t *f;
		json_array_foreach(const_cast<json_t *>(fields), i, f) {
			if (!pb::at(f, "fields")) continue;
			const std::string_view type = pb::text_at(f, "type"), name = pb::text_at(f, "name");
			const bool is_map = type.find("map of") != std::string_view::npos, is_list = type.find("list of") != std::string_view::npos;
			table(fmt::format("{}.{}{}", path, name, is_map ? ".NAME" : is_list ? "[]" : ""), pb::at(f, "fields"), pb::text_at(f, "help"));
		}
	}
	std::string text;

private:
	void keys(const json_t *fields)
	{
		text += ".Bl -tag -width Ds\n";
		std::size_t i;
		json_t *f;
		json_array_foreach(const_cast<json_t *>(fields), i, f) {
			const json_t *usual = pb::at(f, "default");
			text += fmt::format(".It Ic {} Pq {}", pb::text_at(f, "name"), quoted(pb::text_at(f, "type")));
			if (pb::bool_at(f, "required")) text += " , required";
			else if (!json_is_null(usual)) text += fmt::format(" , Li {}", quoted(text_of(usual)));
			text += "\n";
			if (const std::string_view help = pb::text_at(f, "help"); !help.empty()) text += sentences(help);
			if (const std::string limits = limits_of(f); !limits.empty()) text += sentences("Limits: " + limits);
			if (pb::bool_at(f, "secret")) text += "Secret: never shown.\n";
		}
		text += ".El\n";
	}
};

/// The tables of a plugin's file; its code is mapped, and nothing of it called.
void add_plugin(Page &page, const char *file)
{
	void *code = dlopen(file, RTLD_NOW | RTLD_LOCAL); // kept until the end: the tables are in it
	const auto *plugin = code ? static_cast<const pb_plugin *>(dlsym(code, "patchbay_plugin_v1")) : nullptr;
	if (!plugin) throw std::runtime_error(fmt::format("{}: {}", file, dlerror()));
	static constexpr pb_field enabled[] = {{"enabled", PB_BOOLEAN, "true", "whether the plugin runs", 0, 0, nullptr, nullptr}, {}};
	pb::Json fields = core::fields::describe(enabled);
	const pb::Json own = core::fields::describe(plugin->settings);
	json_array_extend(fields.get(), own.get());
	page.table(fmt::format("plugins.{}", plugin->name), fields.get(), "");
}

std::string page_of(const char *form, int count, char **plugins)
{
	std::ifstream file(form);
	std::string text((std::istreambuf_iterator<char>(file)), {});
	Page page;
	std::size_t i;
	json_t *f;
	const pb::Json core = core::fields::describe(core::config::core_fields());
	json_array_foreach(core.get(), i, f)
		if (pb::at(f, "fields")) page.table(std::string(pb::text_at(f, "name")), pb::at(f, "fields"), pb::text_at(f, "help"));
	std::sort(plugins, plugins + count, [](const char *a, const char *b) { return std::string_view(a) < b; });
	for (int p = 0; p < count; ++p) add_plugin(page, plugins[p]);
	constexpr std::string_view mark = "@SETTINGS@\n";
	const std::size_t at = text.find(mark);
	if (at == std::string::npos) throw std::runtime_error(fmt::format("{}: there is no {}", form, mark));
	return text.replace(at, mark.size(), page.text);
}

} // namespace

int main(int argc, char **argv)
{
	if (argc < 3) return 2;
	try {
		std::ofstream out(argv[2]);
		out << page_of(argv[1], argc - 3, argv + 3);
		return out.flush() ? 0 : 1;
	} catch (const std::exception &e) {
		fmt::print(stderr, "settings_page: {}\n", e.what());
		return 1;
	}
}
