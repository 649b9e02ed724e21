#include "script_files.hpp"

#include "scripts.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include <sys/stat.h>
#include <unistd.h>

namespace webhook {

namespace {
using namespace std::chrono_literals;
constexpr pb::milliseconds longest_start = 5min, longest_stop = 15min;

std::map<std::string, std::string> by_name(const std::vector<std::string> &paths)
{
	std::map<std::string, std::string> out;
	for (const std::string &path : paths) {
		const std::string name = path.substr(path.rfind('/') + 1);
		if (!path.starts_with('/') || name.empty()) throw pb::Error(400, "", fmt::format("scripts: {} must be a file by its absolute path", path));
		if (!out.emplace(name, path).second) throw pb::Error(400, "", fmt::format("scripts: there are two called {}", name));
	}
	return out;
}

/// Why it cannot be run; empty: it can. Blocks.
std::string flaw_of(const std::string &path)
{
	struct stat s {};
	if (::stat(path.c_str(), &s) != 0) return fmt::format("{}: {}", path, std::strerror(errno));
	if (!S_ISREG(s.st_mode)) return fmt::format("{}: is no file", path);
	if (::access(path.c_str(), X_OK) != 0 || (s.st_mode & 0111) == 0) return fmt::format("{}: is not executable (chmod +x)", path);
	return {};
}
} // namespace

ScriptFiles::ScriptFiles(pb::Scope &scope_, const Known &known_, Launcher &launcher_, const std::vector<std::string> &paths_)
	: scope(scope_), known(known_), launcher(launcher_), paths(by_name(paths_)),
	  start_route(scope_, "POST /api/start-script", pb::bind<&ScriptFiles::on_start>(this),
		  {.help = "run a script that the settings allow", .deadline = longest_start}),
	  stop_route(scope_, "POST /api/stop-script", pb::bind<&ScriptFiles::on_stop>(this), {.help = "stop it, or all of them", .deadline = longest_stop}),
	  status_route(scope_, "GET /api/script-status", pb::bind<&ScriptFiles::on_status>(this), {.help = "whether one of them runs", .flags = PB_ROUTE_NO_STORE})
{}

std::vector<std::pair<std::string, std::int64_t>> ScriptFiles::running(const Sheet &sheet) const
{
	std::vector<std::pair<std::string, std::int64_t>> out;
	for (const auto &[name, path] : paths)
		if (const std::int64_t pid = pb::integer_at(sheet.process(name), "pid"); pid > 0) out.emplace_back(name, pid);
	return out;
}

void ScriptFiles::on_start(const pb::None &, const pb::None &, const StartBody &body, pb::Request &&request)
{
	const auto i = paths.find(body.name);
	if (i == paths.end()) throw pb::Error(403, "FORBIDDEN", fmt::format("{} is not on the list of scripts in [plugins.webhook]", pb::utf8(body.name)));
	if (!known.runs("procs")) throw known.unavailable("procs");
	auto r = std::make_shared<pb::Request>(std::move(request)); // shared: std::function copies
	const bool is_taken = scope.work([path = i->second] { return flaw_of(path); },
		[this, name = i->first, path = i->second, r](const std::string &flaw) noexcept {
			if (!flaw.empty()) return r->fail(404, "NOT_FOUND", flaw);
			run(name, path, r);
		});
	if (!is_taken) r->fail(503, "", "the workers are too busy to look for the script; try again");
}

void ScriptFiles::run(const std::string &name, const std::string &path, std::shared_ptr<pb::Request> request)
{
	pb::Json command = pb::Json::array();
	command.push(path);
	scope.call(
		"procs.run", {{"name", name}, {"command", std::move(command)}, {"settle", "500ms"}}, [this, path, r = std::move(request)](const pb::Result &got) {
			if (!got.ok()) return known.runs("procs") ? r->fail(*got.error()) : fail_with(*r, known.unavailable("procs"));
			const json_t *started = pb::at(got.json(), "started");
			r->json(200, stamped({{"success", true}, {"message", "Script started successfully"}, {"processId", or_null(pb::at(got.json(), "pid"))},
							 {"scriptPath", path}, {"startTime", json_is_string(started) ? pb::Json::share(started) : pb::Json(iso_now())}}));
		});
}

/// All that are to stop; answered when the last one has.
struct ScriptFiles::Stopping {
	pb::Request request;
	std::size_t left;
	std::vector<std::string> names;
	std::optional<pb::Error> failure;
	void on_one(const pb::Result &r)
	{
		if (!r.ok() && std::string_view(r.error()->code) != "NOT_RUNNING") failure = error_of(*r.error());
		if (--left > 0) return;
		if (failure) return fail_with(request, *failure);
		std::string text;
		for (const std::string &name : names) text += (text.empty() ? "" : ", ") + name;
		request.json(200, stamped({{"success", true}, {"message", fmt::format("Script stopped successfully: {}", text)}}));
	}
};

void ScriptFiles::on_stop(const pb::None &, const pb::None &, const StopBody &body, pb::Request &&request)
{
	launcher.status(
		[this, only = body.name, r = std::make_shared<pb::Request>(std::move(request))](Launcher::Outcome<Sheet> &got) { // shared: std::function copies
			if (const auto *e = std::get_if<pb::Error>(&got)) return fail_with(*r, *e);
			std::vector<std::string> names;
			for (const auto &[name, pid] : running(std::get<Sheet>(got)))
				if (!only || *only == name) names.push_back(name);
			if (names.empty())
				return r->fail(404, "NOT_RUNNING", only ? fmt::format("{} is not running", pb::utf8(*only)) : std::string("no script is running"));
			stop(names, std::move(*r));
		});
}

void ScriptFiles::stop(const std::vector<std::string> &names, pb::Request &&request)
{
	auto all = std::make_shared<Stopping>(Stopping{std::move(request), names.size(), names, {}}); // shared: std::function copies
	for (const std::string &name : names) scope.call("procs.stop", {{"name", name}}, [all](const pb::Result &r) { all->on_one(r); });
}

void ScriptFiles::on_status(const pb::None &, const pb::None &, const pb::None &, pb::Request &&request)
{
	launcher.status([this, r = std::make_shared<pb::Request>(std::move(request))](Launcher::Outcome<Sheet> &got) { // shared: std::function copies
		if (const auto *e = std::get_if<pb::Error>(&got)) return fail_with(*r, *e);
		const auto now = running(std::get<Sheet>(got));
		pb::Json active = now.empty() ? pb::Json(nullptr) : pb::Json{{"pid", now.front().second}};
		r->json(200, stamped({{"success", true}, {"isRunning", !now.empty()}, {"activeProcess", std::move(active)}}));
	});
}

} // namespace webhook
