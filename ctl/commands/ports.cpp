// ports: who should listen where, and who does.
#include "commands/commands.hpp"
#include "failure.hpp"
#include "look.hpp"

#include "terminal/table.hpp"

#include <fmt/format.h>

namespace ctl {

int ports(Context &context, const Arguments &)
{
	const pb::Json list = get_or_print(context, "ports");
	if (!list) return done;
	Table table({{"NAME"}, {"PORT", Column::Align::right}, {"STATE"}, {"EXPECTED"}, {"HOLDER"}, {"ADDRESS"}});
	for (const json_t *p : Entries(pb::at(list.get(), "ports"))) {
		const std::string_view state = text_or_dash(p, "state");
		const json_t *holder = pb::at(p, "holder");
		std::string who = json_is_object(holder) ? std::string(pb::text_at(holder, "program", pb::text_at(holder, "command", "?"))) : "-";
		if (json_is_integer(pb::at(holder, "pid"))) who += fmt::format(" (PID {})", pb::integer_at(holder, "pid"));
		table.row({text_or_dash(p, "name"), fmt::format("{}/{}", pb::integer_at(p, "port"), text_or_dash(p, "protocol")), {state, style_of(state)},
			text_or_dash(p, "expected"), who, text_or_dash(holder, "address")});
	}
	table.print(context.out);
	return done;
}

} // namespace ctl
