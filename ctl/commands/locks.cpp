// locks: who holds what, and who waits.
#include "commands/commands.hpp"
#include "failure.hpp"
#include "look.hpp"

#include "terminal/table.hpp"

namespace ctl {

int locks(Context &context, const Arguments &)
{
	const pb::Json list = get_or_print(context, "locks");
	if (!list) return done;
	Table table({{"NAME"}, {"OWNER"}, {"HELD", Column::Align::right}, {"ENDS IN", Column::Align::right}, {"TOKEN", Column::Align::right}, {"WAITING"}});
	for (const json_t *l : Entries(pb::at(list.get(), "locks"))) {
		std::string waiting;
		for (const json_t *w : Entries(pb::at(l, "waiting"))) (waiting += waiting.empty() ? "" : ", ") += text_or_dash(w, "owner");
		const auto ends = pb::number_at(l, "expires_in_ms");
		table.row({text_or_dash(l, "name"), text_or_dash(l, "owner"), age_text(pb::text_at(l, "since")),
			ends ? duration_text(Seconds(*ends / 1000)) : "with its connection", figure(pb::at(l, "token")), waiting.empty() ? "-" : waiting});
	}
	if (table.is_empty()) context.out.line("nothing is locked");
	else table.print(context.out);
	return done;
}

} // namespace ctl
