// logs: what a process says, or the daemon itself; -f goes on.
#include "commands/commands.hpp"
#include "failure.hpp"
#include "look.hpp"

#include "stream.hpp"
#include "terminal/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ctl {

namespace {

constexpr int lines_again = 1000; // asked for after a lost connection

/// `--lines`, up to what the daemon gives.
int lines_wanted(const Arguments &arguments, int most)
{
	const std::string given = arguments.get("lines").value_or("100");
	int n = 0;
	const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), n);
	if (error != std::errc() || *end || n < 1) throw Failure(bad_usage, fmt::format("--lines {}: it is a number from 1 on", harmless(given)));
	return std::min(n, most);
}

/// A process's line: time, text; what it said on stderr is coloured.
void show_line(Output &out, const json_t *line)
{
	const auto at = parse_time(pb::text_at(line, "time"));
	const bool is_stderr = pb::text_at(line, "stream") == "stderr";
	out.add(at ? clock_text(*at) : std::string("-"), Style::faint);
	out.add(is_stderr ? " ! " : "   ", Style::odd);
	out.line(harmless_line(pb::text_at(line, "text")));
}

/// The daemon's own: time, level, plugin, message, fields.
void show_own(Output &out, const json_t *line)
{
	const std::string_view level = text_or_dash(line, "level");
	out.add(clock_text(static_cast<double>(pb::integer_at(line, "time_ms")) / 1000), Style::faint);
	out.add(fmt::format(" {:<5} ", harmless(level)), level == "error" ? Style::bad : level == "warn" ? Style::odd : Style::faint);
	out.add(harmless(text_or_dash(line, "plugin")), Style::bold);
	out.add(": " + harmless_line(pb::text_at(line, "message")));
	const char *key;
	json_t *v;
	json_object_foreach(const_cast<json_t *>(pb::at(line, "fields")), key, v)
		out.add(fmt::format(" {}={}", harmless(key),
					harmless(json_is_string(v) ? json_string_value(v) : pb::Json::share(v).text(JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)))),
			Style::faint);
	out.line();
}

/// Which lines have been shown already, for the lines that come again after a lost connection.
class Shown final {
public:
	/// false: it was shown. Of the same time there may be several.
	bool is_new(const json_t *line)
	{
		const std::string time(pb::text_at(line, "time")), text = pb::Json::share(line).text();
		if (is_again && (time < last || (time == last && std::ranges::find(of_last, text) != of_last.end()))) return false;
		if (time != last) of_last.clear();
		last = time;
		of_last.push_back(text);
		is_again = false;
		return true;
	}
	/// What comes now may have come before.
	void again() noexcept { is_again = true; }

private:
	std::string last;
	std::vector<std::string> of_last; // lines of that time
	bool is_again = false;
};

int follow_process(Context &context, const std::string &name, int lines)
{
	const auto path = [&](int n) { return fmt::format("procs/{}/log?lines={}&follow=1", escaped(name), n); };
	Shown shown;
	Stream stream(context, path(lines));
	stream.then(path(lines_again));
	stream.on_return([&shown] { shown.again(); });
	return stream.run([&](const Event &e) {
		if (e.name == "lag") note("lines were left out: they came faster than they could be read");
		const pb::Json line = e.name == "line" ? pb::Json::parse(e.data) : pb::Json();
		if (!line || !shown.is_new(line.get())) return true;
		if (context.wants_json) context.out.json(e.data);
		else show_line(context.out, line.get());
		context.out.flush();
		return true;
	});
}

int follow_daemon(Context &context)
{
	Stream stream(context, "events?topics=core/log");
	return stream.run([&context](const Event &e) {
		if (e.name == "lag") note("lines were left out: they came faster than they could be read");
		if (e.name != "core/log") return true;
		if (context.wants_json) context.out.json(e.data);
		else show_own(context.out, pb::Json::parse(e.data).get());
		context.out.flush();
		return true;
	});
}

int daemon_log(Context &context, const Arguments &arguments)
{
	const int n = lines_wanted(arguments, 500);
	const pb::Json list = get_or_print(context, fmt::format("log?lines={}", n));
	for (const json_t *line : Entries(pb::at(list.get(), "lines"))) show_own(context.out, line);
	context.out.flush();
	return arguments.has("follow") ? follow_daemon(context) : int{done};
}

} // namespace

int logs(Context &context, const Arguments &arguments)
{
	if (arguments.words.empty()) return daemon_log(context, arguments);
	const std::string &name = arguments.words[0];
	const int lines = lines_wanted(arguments, 10000);
	if (arguments.has("follow")) return follow_process(context, name, lines);
	const pb::Json list = get_or_print(context, fmt::format("procs/{}/log?lines={}", escaped(name), lines));
	for (const json_t *line : Entries(pb::at(list.get(), "lines"))) show_line(context.out, line);
	return done;
}

} // namespace ctl
