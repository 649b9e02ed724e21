#include "log_route.hpp"

#include "keeper_spawn.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace procs {

namespace {
constexpr std::size_t most_readers = 64, most_waiting = 256 << 10;
constexpr milliseconds heartbeat{15000};
} // namespace

/// One client that follows. A slow one is not read for until it has taken what waits; what was rotated away by then is lost to it.
class LogRoute::Reader final : private LogFollow::Owner {
public:
	Reader(LogRoute &route_, pb::Request &&request, const std::string &log, const LogTail &tail)
		: route(route_), stream(std::move(request), nullptr, 200, headers, {.max_buffer = 4 * most_waiting, .on_close = pb::bind<&Reader::on_close>(this)}),
		  beat(route_.context.scope, pb::bind<&Reader::on_beat>(this)), follow(route_.context, log, tail.inode, tail.offset, *this)
	{
		std::string text = ": the log follows\n\n";
		for (const std::string &line : tail.lines) text += fmt::format("event: line\ndata: {}\n\n", line);
		if (text.size() > 4 * most_waiting) text = "event: lag\ndata: {\"missed\":null}\n\n"; // asked for more lines than a stream may hold
		stream.write(text);
		beat.every(heartbeat);
	}
	[[nodiscard]] bool is_open() const noexcept { return stream.is_open(); }

private:
	void on_line(const LogLine &line) noexcept override { stream.write(fmt::format("event: line\ndata: {}\n\n", to_json(line))); }
	void on_gap() noexcept override { stream.write("event: lag\ndata: {\"missed\":null}\n\n"); }
	bool wants_more() noexcept override { return stream.buffered() < most_waiting; }
	void on_beat() noexcept { stream.write(":\n\n"); }
	void on_close() noexcept
	{
		for (auto i = route.readers.begin(); i != route.readers.end(); ++i) {
			if (i->get() != this) continue;
			route.context.graveyard.bury(std::move(*i));
			route.readers.erase(i);
			return;
		}
	}

	static constexpr pb_header headers[]{{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}};
	LogRoute &route;
	pb::Stream stream;
	pb::Timer beat;
	LogFollow follow;
};

LogRoute::LogRoute(Context &context_, Coordinator &coordinator_)
	: context(context_), coordinator(coordinator_), alive(std::make_shared<bool>(true)),
	  route(context_.scope, "GET procs/{name}/log", pb::bind<&LogRoute::on_request>(this),
		  {.help = "the last lines of a process's output, or the output as it comes"})
{}

LogRoute::~LogRoute() { *alive = false; }

void LogRoute::tail(const std::string &name, std::size_t count, std::function<void(std::string)> then)
{
	const bool is_taken =
		context.scope.work([log = log_of(context.paths, name), count] { return fmt::format("{{\"lines\":[{}]}}", fmt::join(tail_of(log, count).lines, ",")); },
			[then, token = alive](std::string json) noexcept {
				if (*token) then(std::move(json));
			});
	if (!is_taken) throw pb::Error(503, "", "the worker pool is busy; try again");
}

void LogRoute::on_request(const Path &path, const Query &query, const pb::None &, pb::Request &&request)
{
	const auto i = coordinator.all().find(path.name);
	if (i == coordinator.all().end())
		throw pb::Error(404, "NOT_FOUND", fmt::format("no process \"{}\"; GET /api/webhook/procs lists them", pb::utf8(path.name)));
	if (i->second->settings.command.empty())
		throw pb::Error(404, "NOT_FOUND",
			fmt::format("{} is no command of ours: its output goes elsewhere{}", path.name,
				i->second->settings.unit.empty() ? "" : " (journalctl -u " + i->second->settings.unit + ")"));
	auto held = std::make_shared<pb::Request>(std::move(request)); // shared: std::function copies
	if (!query.follow)
		return tail(path.name, static_cast<std::size_t>(query.lines), [held](const std::string &json) { held->respond(200, "application/json", json); });
	if (readers.size() >= most_readers) throw pb::Error(503, "", fmt::format("{} clients follow logs already; try again later", most_readers));
	const std::string log = log_of(context.paths, path.name);
	const bool is_taken = context.scope.work([log, count = static_cast<std::size_t>(query.lines)] { return tail_of(log, count); },
		[this, log, held, token = alive](LogTail t) noexcept {
			if (*token) open(log, std::move(t), std::move(*held));
		});
	if (!is_taken) throw pb::Error(503, "", "the worker pool is busy; try again");
}

void LogRoute::open(const std::string &log, LogTail t, pb::Request &&request)
{
	auto reader = std::make_unique<Reader>(*this, std::move(request), log, t);
	if (reader->is_open()) readers.push_back(std::move(reader));
	else context.graveyard.bury(std::move(reader));
}

} // namespace procs
