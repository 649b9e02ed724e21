#include "state_file.hpp"

#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace webhook {

namespace {
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
constexpr auto interval = 5s;
constexpr auto longest_stop = 80s; // procs itself takes less
constexpr auto together = 100ms;   // changes within it are one
constexpr std::uint32_t mode = 0644;

/// It lives: it is there, and no zombie.
bool lives(std::int64_t pid)
{
	if (pid <= 0) return false;
	std::array<char, 64> path{};
	std::snprintf(path.data(), path.size(), "/proc/%lld/stat", static_cast<long long>(pid));
	const int fd = ::open(path.data(), O_RDONLY | O_CLOEXEC);
	if (fd < 0) return false;
	std::array<char, 512> text{};
	const ssize_t n = ::read(fd, text.data(), text.size() - 1);
	::close(fd);
	const char *end = n > 0 ? std::strrchr(text.data(), ')') : nullptr;
	return end && end[1] == ' ' && end[2] != 'Z' && end[2] != 'X';
}

/// The flags as /proc has them now.
pb::Json checked(pb::Json state)
{
	const char *name = nullptr;
	json_t *p = nullptr;
	json_object_foreach(json_object_get(state.get(), "processes"), name, p) {
		const std::int64_t pid = pb::integer_at(p, "pid");
		const bool is_running = pid > 0 ? lives(pid) : pb::bool_at(p, "running");
		json_object_set_new(p, "running", json_boolean(is_running));
		if (pid > 0 && !is_running) json_object_set_new(p, "pid", json_null());
	}
	return state;
}

/// As they stand in the file: with the times, indented as JavaScript does.
std::string file_text(const pb::Json &state)
{
	const std::int64_t now = pb::unix_ms();
	pb::Json out = state.copy();
	const char *name = nullptr;
	json_t *p = nullptr;
	json_object_foreach(json_object_get(out.get(), "processes"), name, p) json_object_set_new(p, "lastCheck", json_integer(now));
	out.set("lastUpdate", now);
	return out.text(JSON_INDENT(2)) + "\n";
}

pb::Json service(const json_t *link)
{
	const std::string_view state = pb::text_at(link, "state");
	return {{"running", state == "up"}, {"state", link ? pb::Json(state) : pb::Json(nullptr)}};
}
} // namespace

StateFile::StateFile(pb::Scope &scope_, Known &known_, std::string path_)
	: scope(scope_), known(known_), path(std::move(path_)), timer(scope_, pb::bind<&StateFile::on_timer>(this)),
	  limit(scope_, pb::bind<&StateFile::on_limit>(this))
{
	if (path.empty()) return;
	if (!path.starts_with('/')) throw pb::Error(400, "", fmt::format("state_file: {} must be an absolute path", path));
	known.tell([this](std::string_view topic) { on_change(topic); });
}

void StateFile::wait_for_procs(pb::Bound<> done)
{
	if (path.empty() || !known.at("procs/summary")) return done();
	procs_gone = done;
	limit.once(longest_stop);
}

/// What is so in the end: after the last change, or with the daemon's stop, without waiting for the interval.
StateFile::~StateFile()
{
	if (path.empty() || written.empty()) return;
	const pb::Json last = checked(collect());
	if (last.text() != written) scope.replace_file(path, file_text(last), mode);
}

void StateFile::on_change(std::string_view topic)
{
	if (procs_gone.call && !known.at("procs/summary")) limit.once(0ms); // not from within: our end may follow
	constexpr std::array<std::string_view, 5> of{"procs/summary", "netif/summary", "gps/link", "kismet/link", "core/plugins"};
	if (is_planned || std::ranges::find(of, topic) == of.end()) return;
	is_planned = true;
	const auto since = std::chrono::duration_cast<pb::milliseconds>(Clock::now() - written_at);
	timer.once(written_at == Clock::time_point{} || since >= interval ? together : interval - since);
}

pb::Json StateFile::collect()
{
	// Where procs is off, its processes may live on: /proc says what of them is true.
	if (const json_t *now = known.at("procs/summary")) summary = pb::Json::share(now);
	pb::Json processes = pb::Json::object(), interfaces = pb::Json::object();
	std::size_t i;
	json_t *x;
	json_array_foreach(pb::at(summary.get(), "processes"), i, x) {
		const std::string_view state = pb::text_at(x, "state");
		processes.set(std::string(pb::text_at(x, "name")).c_str(),
			{{"pid", or_null(pb::at(x, "pid"))}, {"running", state == "running" || state == "ready"}, {"state", state}});
	}
	json_array_foreach(pb::at(known.at("netif/summary"), "interfaces"), i, x) {
		const json_t *owner = pb::at(x, "owner");
		interfaces.set(std::string(pb::text_at(x, "name")).c_str(), {{"owner", or_null(pb::at(owner, "owner"))}, {"mode", or_null(pb::at(x, "mode"))},
																		{"state", or_null(pb::at(x, "state"))}, {"since", or_null(pb::at(owner, "since"))}});
	}
	pb::Json services{{"gpsd", service(known.at("gps/link"))}, {"kismet", service(known.at("kismet/link"))}, {"webhook", pb::Json{{"running", true}}}};
	return {{"processes", std::move(processes)}, {"interfaces", std::move(interfaces)}, {"services", std::move(services)}};
}

void StateFile::on_timer() noexcept
{
	is_planned = false;
	if (is_checking) return on_change("procs/summary");
	is_checking = scope.work([state = std::make_shared<pb::Json>(collect().copy())] { return checked(std::move(*state)); }, // shared: a job is copied
		[this](pb::Json state) noexcept {
			is_checking = false;
			on_checked(std::move(state));
		});
}

void StateFile::on_checked(pb::Json state)
{
	std::string now = state.text();
	if (now == written) return;
	written = std::move(now);
	written_at = Clock::now();
	scope.replace_file(path, file_text(state), mode, 0, [this](const pb::Result &r) {
		if (!r.ok()) {
			written.clear(); // the next change tries again
			if (!std::exchange(is_failing, true)) scope.warn(r.error()->text);
		} else if (std::exchange(is_failing, false)) {
			scope.info(fmt::format("{} can be written again", path));
		}
	});
}

} // namespace webhook
