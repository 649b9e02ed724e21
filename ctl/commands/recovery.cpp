// recovery: what went bad, and what was done about it.
#include "commands/commands.hpp"
#include "failure.hpp"
#include "look.hpp"

#include "terminal/table.hpp"
#include "terminal/text.hpp"

#include <fmt/format.h>

namespace ctl {

int recovery(Context &context, const Arguments &arguments)
{
	const pb::Json list = get_or_print(context, "recovery");
	if (!list) return done;
	Table table({{"ID"}, {"CLASS"}, {"STATE"}, {"AGE", Column::Align::right}, {"ATTEMPTS", Column::Align::right}, {"LAST RESULT"}, {"REASON"}});
	std::vector<std::string> advice;
	for (const json_t *i : Entries(pb::at(list.get(), "incidents"))) {
		const std::string_view state = text_or_dash(i, "state");
		if (json_is_string(pb::at(i, "ended")) && !arguments.has("all")) continue;
		const json_t *attempts = pb::at(i, "attempts");
		const json_t *last = json_array_size(attempts) > 0 ? json_array_get(attempts, json_array_size(attempts) - 1) : nullptr;
		table.row({figure(pb::at(i, "id")), text_or_dash(i, "class"), {state, style_of(state)}, age_text(pb::text_at(i, "since")),
			std::to_string(json_array_size(attempts)), last ? fmt::format("{}: {}", text_or_dash(last, "call"), text_or_dash(last, "result")) : "-",
			text_or_dash(i, "reason")});
		if (state == "given up" && !pb::text_at(i, "advice").empty())
			advice.push_back(fmt::format("{}: {}", text_or_dash(i, "class"), pb::text_at(i, "advice")));
	}
	if (table.is_empty()) context.out.line(arguments.has("all") ? "nothing went bad" : "nothing is bad (--all: what is over as well)");
	else table.print(context.out);
	for (const std::string &a : advice) context.out.line(harmless(a), Style::odd);
	return done;
}

} // namespace ctl
