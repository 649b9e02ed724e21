// plugins, enable, disable, reload.
#include "commands/commands.hpp"
#include "failure.hpp"
#include "look.hpp"

#include "terminal/table.hpp"
#include "terminal/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ctl {

namespace {

constexpr Seconds change_limit{90}; // a plugin may take a minute to let go of what it has

int switch_each(Context &context, const Arguments &arguments, const char *what)
{
	int worst = done;
	for (const std::string &name : arguments.words) {
		try {
			const std::string body = context.client().post(fmt::format("plugins/{}/{}", escaped(name), what), pb::Json::object(), change_limit);
			const pb::Json entry = pb::Json::parse(body);
			const std::string_view state = text_or_dash(entry.get(), "state"), reason = pb::text_at(entry.get(), "reason");
			if (context.wants_json) context.out.json(body);
			else {
				context.out.add(harmless(name) + ": ");
				context.out.add(harmless(state), style_of(state));
				context.out.line(reason.empty() ? "" : fmt::format(" ({})", harmless(reason)));
			}
			if (state == "failed") worst = not_done;
		} catch (const Failure &f) {
			if (f.exit == unreachable) throw;
			context.out.flush();
			note(fmt::format("{} {}: {}", what, harmless(name), f.text));
			worst = worst == done ? f.exit : worst;
		}
	}
	return worst;
}

} // namespace

int plugins(Context &context, const Arguments &arguments)
{
	const pb::Json list = get_or_print(context, "plugins");
	if (!list) return done;
	const auto &names = arguments.words;
	using enum Column::Align;
	Table table({{"NAME"}, {"VERSION"}, {"STATE"}, {"ROUTES", right}, {"METHODS", right}, {"TOPICS", right}, {"CPU", right}, {"NEEDS"}, {"REASON"}});
	for (const json_t *p : Entries(pb::at(list.get(), "plugins"))) {
		const std::string_view state = text_or_dash(p, "state"), name = text_or_dash(p, "name");
		if (!names.empty() && std::ranges::find(names, name) == names.end()) continue;
		const json_t *scope = pb::at(p, "scope");
		const auto cpu = pb::number_at(p, "cpu_ms");
		const std::string needs = joined(pb::at(p, "needs"));
		table.row({name, text_or_dash(p, "version"), {state, style_of(state)}, figure(pb::at(scope, "routes")), figure(pb::at(scope, "methods")),
			figure(pb::at(scope, "topics")), cpu ? duration_text(Seconds(*cpu / 1000)) : "-", needs.empty() ? "-" : needs, pb::text_at(p, "reason")});
	}
	if (!table.is_empty()) table.print(context.out);
	else if (!names.empty()) throw Failure(not_done, fmt::format("no plugin {}; patchbayctl plugins lists them", harmless(names[0])));
	else context.out.line("no plugins; see [plugin_host] directories in patchbay.toml(5)");
	const json_t *config = pb::at(list.get(), "config");
	if (!pb::bool_at(config, "ok", true))
		context.out.line(fmt::format("the configuration is not used: {}", harmless(pb::text_at(config, "error"))), Style::bad);
	return done;
}

int enable(Context &context, const Arguments &arguments) { return switch_each(context, arguments, "enable"); }
int disable(Context &context, const Arguments &arguments) { return switch_each(context, arguments, "disable"); }
int reload(Context &context, const Arguments &arguments) { return switch_each(context, arguments, "reload"); }

} // namespace ctl
