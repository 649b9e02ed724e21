#include "flat_scripts.hpp"

#include "text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace webhook {

namespace {
using namespace std::chrono_literals;
constexpr pb::milliseconds longest_start = 5min, longest_stop = 15min;

bool is_plain(const std::string &argument)
{
	return argument.size() <= 256 && std::ranges::all_of(argument, [](char c) {
		return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && std::strchr("_-.,:=+@%", c));
	});
}

void respond_error(pb::Request &request, const pb::Error &e, const std::string &script)
{
	pb_error plain{};
	if (e.code == "VALIDATION_ERROR") {
		pb::detail::fill(plain, e.status, e.code, e.what(), e.details ? e.details->get() : nullptr);
		return request.fail(plain);
	}
	pb::Json errors = pb::Json::array();
	errors.push(e.what());
	request.json(
		e.status, stamped({{"success", false}, {"status", "error"}, {"error", e.code}, {"message", e.what()},
					  {"details", e.details ? pb::Json::share(e.details->get()) : pb::Json(nullptr)}, {"script", script}, {"errors", std::move(errors)}}));
}

std::int64_t pid_in(const pb::Error &e) // "PID: n"
{
	const std::string_view text = e.details ? pb::text_of(e.details->get()) : std::string_view();
	return text.starts_with("PID: ") ? std::strtoll(text.data() + 5, nullptr, 10) : 0;
}
} // namespace

/// A stop whose caller gets an answer in time, however long it takes.
struct FlatScripts::PendingStop {
	PendingStop(pb::Scope &scope, pb::Request &&r, std::string script_, pb::milliseconds patience)
		: request(std::move(r)), script(std::move(script_)), timer(scope, pb::bind<&PendingStop::on_late>(this))
	{
		timer.once(patience);
	}
	void on_late() noexcept
	{
		pb::Json errors = pb::Json::array();
		errors.push("timeout");
		request.json(504, stamped({{"success", false}, {"status", "error"}, {"error", "TIMEOUT"},
							  {"message", fmt::format("{} has not stopped yet; the stop goes on, see /script-status", script)}, {"details", nullptr},
							  {"script", script}, {"stopped", pb::Json::array()}, {"results", pb::Json::array()}, {"errors", std::move(errors)}}));
	}
	void on_done(Launcher::Outcome<Stopped> &got)
	{
		timer.stop();
		if (!request) return;
		if (const auto *e = std::get_if<pb::Error>(&got)) {
			if (e->code != "NOT_RUNNING") return respond_error(request, *e, script);
			return request.json(200, stamped({{"success", true}, {"status", "warning"}, {"message", e->what()}, {"script", script},
										 {"stopped", pb::Json::array()}, {"results", pb::Json::array()}, {"errors", pb::Json::array()}}));
		}
		auto &s = std::get<Stopped>(got);
		pb::Json names = pb::Json::array(), results = pb::Json::array();
		std::size_t i;
		json_t *p;
		json_array_foreach(s.processes.get(), i, p) {
			names.push(or_null(pb::at(p, "name")));
			results.push({{"name", or_null(pb::at(p, "name"))}, {"pid", or_null(pb::at(p, "pid"))}, {"status", "stopped"}, {"method", s.method}});
		}
		request.json(200, stamped({{"success", true}, {"status", "success"}, {"message", fmt::format("{} stopped", script)}, {"script", script},
							  {"stopped", std::move(names)}, {"results", std::move(results)}, {"errors", pb::Json::array()}}));
	}
	pb::Request request;
	const std::string script;
	pb::Timer timer;
};

FlatScripts::FlatScripts(pb::Scope &scope_, const Known &known_, Launcher &launcher_, Aliases aliases_, pb::milliseconds patience_)
	: scope(scope_), known(known_), launcher(launcher_), aliases(std::move(aliases_)), patience(patience_),
	  run_route(scope_, "POST /run-script", pb::bind<&FlatScripts::on_run>(this), {.help = "start a script, or the whole chain", .deadline = longest_start}),
	  stop_route(scope_, "POST /stop-script", pb::bind<&FlatScripts::on_stop>(this),
		  {.help = "stop a script, or the whole chain; 504 past stop_patience", .deadline = longest_stop}),
	  status_route(scope_, "GET /script-status", pb::bind<&FlatScripts::on_status>(this), {.help = "what runs, in short", .flags = PB_ROUTE_NO_STORE})
{}

std::string FlatScripts::name_of(const std::optional<std::string> &one, const std::optional<std::string> &other) const
{
	std::string name = one && !one->empty() ? *one : other.value_or("");
	if (name.empty()) return "both";
	const auto i = aliases.find(name);
	return i == aliases.end() ? name : i->second;
}

void FlatScripts::on_run(const pb::None &, const pb::None &, const RunBody &body, pb::Request &&request)
{
	Order order{name_of(body.script_name, body.script), {}, {}, body.args.value_or(std::vector<std::string>())};
	for (std::size_t i = 0; i < order.arguments.size(); ++i)
		if (!is_plain(order.arguments[i]))
			throw invalid(fmt::format("args[{}]", i), "may hold letters, digits and _-.,:=+@% alone, 256 at most", order.arguments[i]);
	launcher.run(order, [script = order.script, r = std::make_shared<pb::Request>(std::move(request))](Launcher::Outcome<Started> &got) {
		if (const auto *e = std::get_if<pb::Error>(&got)) {
			if (e->code != "ALREADY_RUNNING") return respond_error(*r, *e, script);
			return r->json(200, stamped({{"success", true}, {"status", "success"}, {"message", e->what()}, {"script", script}, {"pid", pid_in(*e)}}));
		}
		const auto &s = std::get<Started>(got);
		r->json(200, stamped({{"success", true}, {"status", "success"}, {"message", fmt::format("{} started", script)}, {"script", script}, {"pid", s.pid}}));
	});
}

void FlatScripts::on_stop(const pb::None &, const pb::None &, const StopBody &body, pb::Request &&request)
{
	const std::string script = name_of(body.script_name, body.script);
	auto pending = std::make_shared<PendingStop>(scope, std::move(request), script, patience); // shared: std::function copies
	launcher.stop(script, body.force.value_or(false), [pending](Launcher::Outcome<Stopped> &got) { pending->on_done(got); });
}

pb::Json FlatScripts::status(const Sheet *sheet) const
{
	// What procs says now counts before what its topic said: who has just stopped a script asks at once.
	const auto is_up = [&](const char *process, bool otherwise) {
		const json_t *e = sheet ? sheet->process(process) : nullptr;
		return e ? pb::integer_at(e, "pid") > 0 || pb::text_at(e, "state") == "ready" : otherwise;
	};
	const bool has_kismet = is_up("kismet", false) || known.is_kismet_seen() || (!sheet && known.is_kismet_there());
	const bool has_wigle = is_up("wigletotak", known.is_wigle_there());
	const bool has_gps = is_up("gpsd", false) || known.is_gpsd_seen() || (sheet ? sheet->is_running("gps") : known.is_gpsd_there());
	const bool is_running = has_kismet || has_wigle || (sheet && sheet->is_running("both"));
	std::vector<std::string_view> what;
	if (has_gps) what.emplace_back("GPS");
	if (has_kismet) what.emplace_back("Kismet");
	if (has_wigle) what.emplace_back("WigleToTAK");
	const std::string message = what.empty() ? std::string("Nothing is running") : fmt::format("Running: {}", fmt::join(what, ", "));
	return {{"running", is_running}, {"message", message}, {"kismet_running", has_kismet}, {"kismet_api_responding", known.is_kismet_up()},
		{"wigle_running", has_wigle}, {"gps_running", has_gps}};
}

void FlatScripts::on_status(const pb::None &, const pb::None &, const pb::None &, pb::Request &&request)
{
	launcher.status([this, r = std::make_shared<pb::Request>(std::move(request))](Launcher::Outcome<Sheet> &got) {
		const auto *sheet = std::get_if<Sheet>(&got);
		pb::Json out = status(sheet);
		if (!sheet) out.set("message", fmt::format("{} ({})", pb::text_at(out.get(), "message"), std::get<pb::Error>(got).what()));
		r->json(200, stamped(std::move(out)));
	});
}

} // namespace webhook
