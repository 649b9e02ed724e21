// config: check a file as the daemon would, show what is in force, show what is not the default.
#include "build_config.hpp"
#include "commands/commands.hpp"
#include "failure.hpp"
#include "look.hpp"
#include "program.hpp"
#include "toml_text.hpp"

#include "terminal/table.hpp"
#include "terminal/text.hpp"

#include <fmt/format.h>

namespace ctl {

namespace {

/// patchbayd itself looks: no second opinion.
int check(Context &context, const Arguments &arguments)
{
	const bool is_named = arguments.words.size() > 1;
	const std::string file = is_named ? arguments.words[1] : arguments.get("config").value_or(PATCHBAY_SYSCONFDIR "/patchbay.toml");
	const int code = run_program({daemon_path(), "--check", "--config", file});
	if (code != done) return not_done; // it has said why
	if (context.wants_json) context.out.json(pb::Json{{"file", file}, {"ok", true}}.text());
	else context.out.line(fmt::format("{}: nothing is wrong", harmless(file)));
	return done;
}

/// The part under "plugins.gpsd", or nullptr.
const json_t *part_of(const json_t *settings, std::string_view path)
{
	while (settings && !path.empty()) {
		const std::size_t dot = path.find('.');
		settings = pb::at(settings, std::string(path.substr(0, dot)).c_str());
		path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
	}
	return settings;
}

int show(Context &context, const Arguments &arguments)
{
	const pb::Json config = get_or_print(context, "config");
	if (!config) return done;
	const std::string path = arguments.words.size() > 1 ? arguments.words[1] : "";
	const json_t *part = part_of(pb::at(config.get(), "settings"), path);
	if (!part) throw Failure(not_done, fmt::format("no setting {}; patchbayctl config show lists them", harmless(path)));
	for (const json_t *file : Entries(pb::at(config.get(), "files"))) context.out.line(fmt::format("# from {}", harmless(pb::text_of(file))), Style::faint);
	context.out.add(toml_text(part, path));
	return done;
}

int diff(Context &context)
{
	const pb::Json config = get_or_print(context, "config");
	if (!config) return done;
	Table table({{"KEY"}, {"VALUE"}, {"DEFAULT"}, {"WHERE"}});
	for (const json_t *d : Entries(pb::at(config.get(), "differences"))) {
		const auto text = [&](const char *key) { return json_is_null(pb::at(d, key)) ? std::string("-") : pb::Json::share(pb::at(d, key)).text(); };
		const auto line = pb::integer_at(d, "line");
		table.row({text_or_dash(d, "key"), text("value"), {text("default"), Style::faint},
			line > 0 ? fmt::format("{}:{}", text_or_dash(d, "file"), line) : std::string(text_or_dash(d, "file"))});
	}
	if (table.is_empty()) context.out.line("all is as it is by default");
	else table.print(context.out);
	return done;
}

} // namespace

int config(Context &context, const Arguments &arguments)
{
	const std::string &what = arguments.words[0];
	if (what == "check") return check(context, arguments);
	if (what == "show") return show(context, arguments);
	if (what == "diff" && arguments.words.size() == 1) return diff(context);
	throw Failure(bad_usage, fmt::format("config {}: it is check [FILE], show [KEY] or diff", harmless(what)));
}

} // namespace ctl
