// ps, start, stop, restart: the process coordinator.
#include "commands/commands.hpp"
#include "failure.hpp"
#include "look.hpp"

#include "terminal/table.hpp"
#include "terminal/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ctl {

namespace {

constexpr Seconds change_limit{300}; // a group whose members wait for their readiness, one after the other

std::string exit_text(const json_t *e)
{
	const json_t *last = pb::at(e, "last_exit");
	if (!json_is_object(last)) return "-";
	const std::string_view signal = pb::text_at(last, "signal");
	return signal.empty() ? fmt::format("exit {}", pb::integer_at(last, "code")) : std::string(signal);
}

void add_row(Table &table, const json_t *e)
{
	const std::string_view state = text_or_dash(e, "state"), reason = pb::text_at(e, "reason");
	const bool lives = json_is_integer(pb::at(e, "pid"));
	const auto uptime = pb::number_at(e, "uptime"), cpu = pb::number_at(e, "cpu"), rss = pb::number_at(pb::at(e, "memory"), "rss");
	table.row({text_or_dash(e, "name"), {state, style_of(state)}, figure(pb::at(e, "pid")), lives && uptime ? duration_text(Seconds(*uptime)) : "-",
		lives && cpu ? fmt::format("{:.1f}", *cpu) : "-", lives && rss ? bytes_text(*rss) : "-", figure(pb::at(e, "restarts")), exit_text(e),
		!reason.empty()             ? reason
		: pb::bool_at(e, "adopted") ? "adopted"
									: ""});
}

Table process_table()
{
	using enum Column::Align;
	return Table({{"NAME"}, {"STATE"}, {"PID", right}, {"UP", right}, {"CPU%", right}, {"MEMORY", right}, {"RESTARTS", right}, {"LAST"}, {"REASON"}});
}

/// What became of one, a process's entry or a group's; false: it failed.
bool tell(Output &out, const std::string &name, const json_t *result)
{
	bool is_well = true;
	if (const json_t *members = pb::at(result, "processes"); json_is_array(members)) {
		for (const json_t *e : Entries(members)) is_well = tell(out, std::string(pb::text_at(e, "name")), e) && is_well;
		return is_well;
	}
	const std::string_view state = text_or_dash(result, "state"), reason = pb::text_at(result, "reason");
	out.add(harmless(name));
	out.add(": ");
	out.add(harmless(state), style_of(state));
	if (json_is_integer(pb::at(result, "pid"))) out.add(fmt::format(" (PID {})", pb::integer_at(result, "pid")));
	const json_t *stopped = pb::at(result, "stopped");
	if (json_is_object(stopped) && !pb::text_at(stopped, "method").empty())
		out.add(
			fmt::format(" ({}, {})", harmless(pb::text_at(stopped, "method")), duration_text(Seconds(pb::number_at(stopped, "took_ms").value_or(0) / 1000))));
	if (!reason.empty()) out.add(": " + harmless(reason));
	out.line();
	return state != "failed";
}

/// Each name in turn; one that fails does not keep the others from their turn.
int change(Context &context, const Arguments &arguments, const char *method, pb::Json extra)
{
	int worst = done;
	for (const std::string &name : arguments.words) {
		pb::Json args = extra.copy();
		args.set("name", name);
		try {
			const std::string body = context.client().post(fmt::format("call/{}", method), args, change_limit);
			if (context.wants_json) context.out.json(body);
			else if (const pb::Json answer = pb::Json::parse(body); !tell(context.out, name, pb::at(answer.get(), "result")))
				worst = worst == done ? not_done : worst;
		} catch (const Failure &f) {
			if (f.exit == unreachable) throw;
			context.out.flush();
			note(fmt::format("{} {}: {}", method + sizeof "procs", harmless(name), f.text));
			worst = worst == done ? f.exit : worst;
		}
	}
	return worst;
}

pb::Json waiting(const Arguments &arguments)
{
	const auto wait = arguments.get("wait");
	return wait ? pb::Json{{"wait", *wait}} : pb::Json::object();
}

} // namespace

int ps(Context &context, const Arguments &arguments)
{
	const auto &names = arguments.words;
	if (context.wants_json && !names.empty()) {
		for (const std::string &name : names) context.out.json(context.client().get("procs/" + escaped(name)));
		return done;
	}
	const pb::Json list = get_or_print(context, "procs");
	if (!list) return done;
	const json_t *groups = pb::at(list.get(), "groups");
	const auto is_wanted = [&](std::string_view process) {
		return names.empty() || std::ranges::any_of(names, [&](const std::string &n) {
			if (n == process) return true;
			const Entries members(pb::at(groups, n.c_str()));
			for (const json_t *m : members)
				if (pb::text_of(m) == process) return true;
			return false;
		});
	};
	Table table = process_table();
	for (const json_t *e : Entries(pb::at(list.get(), "processes")))
		if (is_wanted(pb::text_at(e, "name"))) add_row(table, e);
	if (!table.is_empty()) table.print(context.out);
	else if (names.empty()) context.out.line("no processes are configured; see [plugins.procs.process.NAME] in patchbay.toml(5)");
	else throw Failure(not_done, fmt::format("no process and no group {}; patchbayctl ps lists them", harmless(names[0])));
	const char *group;
	json_t *members;
	if (names.empty())
		json_object_foreach(const_cast<json_t *>(groups), group, members)
			context.out.line(fmt::format("group {}: {}", harmless(group), harmless(joined(members))), Style::faint);
	return done;
}

int start(Context &context, const Arguments &arguments) { return change(context, arguments, "procs.start", waiting(arguments)); }
int restart(Context &context, const Arguments &arguments) { return change(context, arguments, "procs.restart", waiting(arguments)); }

int stop(Context &context, const Arguments &arguments)
{
	return change(context, arguments, "procs.stop", arguments.has("force") ? pb::Json{{"force", true}} : pb::Json::object());
}

} // namespace ctl
