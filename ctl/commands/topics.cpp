// topics, watch: what is known, and how it changes.
#include "commands/commands.hpp"
#include "failure.hpp"
#include "look.hpp"

#include "stream.hpp"
#include "terminal/table.hpp"
#include "terminal/text.hpp"

#include <fmt/format.h>

#include <charconv>

namespace ctl {

int topics(Context &context, const Arguments &arguments)
{
	for (const std::string &topic : arguments.words) {
		std::string path = "topics";
		for (std::size_t i = 0; i <= topic.size();) { // a topic's parts are the path's
			const std::size_t end = std::min(topic.find('/', i), topic.size());
			path += "/" + escaped(std::string_view(topic).substr(i, end - i));
			i = end + 1;
		}
		const std::string body = context.client().get(path);
		if (context.wants_json) context.out.json(body);
		else context.out.line(harmless_json(pb::Json::share(pb::at(pb::Json::parse(body).get(), "value")).text(for_people)));
	}
	if (!arguments.words.empty()) return done;
	const pb::Json list = get_or_print(context, "topics");
	if (!list) return done;
	Table table({{"TOPIC"}, {"PLUGIN"}, {"CHANGED", Column::Align::right}, {"WHAT"}});
	for (const json_t *t : Entries(pb::at(list.get(), "topics"))) {
		const auto time = pb::number_at(t, "time");
		const Seconds age = std::chrono::system_clock::now().time_since_epoch() - Seconds(time.value_or(0) / 1000);
		table.row({text_or_dash(t, "name"), text_or_dash(t, "plugin"), time ? duration_text(age) : "-", text_or_dash(t, "help")});
	}
	table.print(context.out);
	return done;
}

namespace {

std::int64_t count_wanted(const Arguments &arguments)
{
	const auto given = arguments.get("count");
	if (!given) return -1;
	std::int64_t n = 0;
	const auto [end, error] = std::from_chars(given->data(), given->data() + given->size(), n);
	if (error != std::errc() || *end || n < 1) throw Failure(bad_usage, fmt::format("--count {}: it is a number from 1 on", harmless(*given)));
	return n;
}

/// The number of the newest value, so that only later ones come.
std::string newest(Context &context)
{
	const pb::Json list = context.client().json("topics");
	std::int64_t out = 0;
	for (const json_t *t : Entries(pb::at(list.get(), "topics"))) out = std::max(out, pb::integer_at(t, "seq"));
	return out > 0 ? std::to_string(out) : "";
}

} // namespace

int watch(Context &context, const Arguments &arguments)
{
	std::string patterns;
	for (const std::string &word : arguments.words) (patterns += patterns.empty() ? "" : ",") += word;
	std::int64_t left = count_wanted(arguments);
	Stream stream(context, "events?topics=" + escaped(patterns));
	if (arguments.has("changes")) stream.begin_after(newest(context));
	return stream.run([&context, left](const Event &e) mutable {
		Output &out = context.out;
		if (e.name == "lag") {
			note(fmt::format("{} values were left out: they came faster than they could be read", figure(pb::at(pb::Json::parse(e.data).get(), "missed"))));
			return true;
		}
		if (context.wants_json) out.json(fmt::format(R"({{"topic":{},"seq":{},"value":{}}})", pb::Json(e.name).text(), e.id.empty() ? "null" : e.id, e.data));
		else {
			out.add(clock_text(std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count()), Style::faint);
			out.add(" ");
			out.add(harmless(e.name), Style::bold);
			out.line(" " + harmless_json(e.data));
		}
		out.flush();
		return left < 0 || --left > 0;
	});
}

} // namespace ctl
