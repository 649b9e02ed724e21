// interfaces, acquire, release.
#include "commands/commands.hpp"
#include "failure.hpp"
#include "look.hpp"
#include "owner.hpp"

#include "terminal/table.hpp"
#include "terminal/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ctl {

namespace {

constexpr Seconds change_limit{60}; // drivers take seconds for a mode, and an owner before us may have to give it back

std::string owner_text(const json_t *interface)
{
	const json_t *owner = pb::at(interface, "owner");
	if (!json_is_object(owner)) return "-";
	std::string out(pb::text_at(owner, "owner"));
	const std::string_view since = pb::text_at(owner, "since"), state = pb::text_at(owner, "state"), problem = pb::text_at(owner, "problem");
	if (!since.empty()) out += fmt::format(" ({})", age_text(since));
	if (!state.empty() && state != "held") out += fmt::format(", {}", state);
	if (!problem.empty()) out += fmt::format(": {}", problem);
	return out;
}

void add_row(Table &table, const json_t *i)
{
	const std::string_view state = text_or_dash(i, "state");
	table.row({text_or_dash(i, "name"), text_or_dash(i, "kind"), {state, state == "up" ? Style::good : Style::faint}, text_or_dash(i, "mode"),
		figure(pb::at(i, "channel")), text_or_dash(i, "ssid"), figure(pb::at(i, "signal"), 0), text_or_dash(i, "driver"), joined(pb::at(i, "addresses")),
		owner_text(i)});
}

int show(Context &context, const std::string &body)
{
	if (context.wants_json) {
		context.out.json(body);
		return done;
	}
	const pb::Json i = pb::Json::parse(body);
	context.out.line(fmt::format("{}: {}, mode {}, owner {}", harmless(text_or_dash(i.get(), "name")), harmless(text_or_dash(i.get(), "state")),
		harmless(text_or_dash(i.get(), "mode")), harmless(owner_text(i.get()))));
	return done;
}

std::int64_t number(const char *option, const std::string &text)
{
	std::int64_t n = 0;
	const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
	if (error != std::errc() || *end || n < 1) throw Failure(bad_usage, fmt::format("--{} {}: it is a number", option, harmless(text)));
	return n;
}

} // namespace

int interfaces(Context &context, const Arguments &arguments)
{
	const auto &names = arguments.words;
	if (context.wants_json && !names.empty()) {
		for (const std::string &name : names) context.out.json(context.client().get("interfaces/" + escaped(name)));
		return done;
	}
	const pb::Json list = get_or_print(context, "interfaces");
	if (!list) return done;
	Table table(
		{{"NAME"}, {"KIND"}, {"STATE"}, {"MODE"}, {"CH", Column::Align::right}, {"SSID"}, {"dBm", Column::Align::right}, {"DRIVER"}, {"ADDRESSES"}, {"OWNER"}});
	for (const json_t *i : Entries(pb::at(list.get(), "interfaces")))
		if (names.empty() || std::ranges::find(names, pb::text_at(i, "name")) != names.end()) add_row(table, i);
	if (table.is_empty())
		throw Failure(
			not_done, names.empty() ? "there are no interfaces" : fmt::format("no interface {}; patchbayctl interfaces lists them", harmless(names[0])));
	table.print(context.out);
	return done;
}

int acquire(Context &context, const Arguments &arguments)
{
	pb::Json body = {{"owner", arguments.get("owner").value_or(usual_owner())}};
	if (const auto mode = arguments.get("mode")) body.set("mode", *mode);
	if (const auto channel = arguments.get("channel")) body.set("channel", number("channel", *channel));
	if (const auto pid = arguments.get("pid")) body.set("pid", number("pid", *pid));
	if (const auto ttl = arguments.get("ttl")) {
		const auto time = parse_duration(*ttl);
		if (!time) throw Failure(bad_usage, fmt::format("--ttl {}: it is a time, as in 500ms, 10s, 2m", harmless(*ttl)));
		body.set("ttl_ms", static_cast<std::int64_t>(time->count() * 1000));
	}
	return show(context, context.client().post(fmt::format("interfaces/{}/acquire", escaped(arguments.words[0])), body, change_limit));
}

int release(Context &context, const Arguments &arguments)
{
	const pb::Json body = {{"owner", arguments.get("owner").value_or(usual_owner())}};
	return show(context, context.client().post(fmt::format("interfaces/{}/release", escaped(arguments.words[0])), body, change_limit));
}

} // namespace ctl
