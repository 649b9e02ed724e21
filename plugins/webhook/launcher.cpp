#include "launcher.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <memory>

#include <net/if.h>
#include <sys/stat.h>

namespace webhook {

namespace {
constexpr const char *settle = "500ms"; // a first process that has not failed by then runs

struct Resolved {
	std::string path, why; // why: not empty where there is no such file
};

std::string real(const std::string &path)
{
	char out[PATH_MAX];
	return ::realpath(path.c_str(), out) ? out : "";
}

/// A file within a folder, whatever links and dots the name has. Blocks.
Resolved resolve_within(const std::string &folder, const std::string &name)
{
	const std::string root = real(folder);
	if (root.empty()) return {{}, fmt::format("cannot be looked for: the folder {} is not there (config_dir in [plugins.webhook])", folder)};
	const std::string path = real(name.starts_with('/') ? name : root + "/" + name);
	if (path.empty()) return {{}, fmt::format("is no file in {}", folder)};
	if (!path.starts_with(root == "/" ? root : root + "/")) return {{}, fmt::format("must lie within {}", folder)};
	struct stat s {};
	if (::stat(path.c_str(), &s) != 0 || !S_ISREG(s.st_mode)) return {{}, fmt::format("is no regular file in {}", folder)};
	return {path, {}};
}

/// procs takes a group by `group`, and so it does not matter that a process has the same name.
pb::Json target(const Sheet &sheet, const std::string &script)
{
	pb::Json out = pb::Json::object();
	out.set(sheet.is_group(script) ? "group" : "name", script);
	return out;
}

/// Which of a group gets `--config FILE`: the one called like the script, else kismet, else all.
std::string taker_of(const Sheet &sheet, const std::string &script)
{
	const std::vector<std::string> members = sheet.members(script);
	for (const std::string &name : {script, std::string("kismet")})
		if (std::ranges::find(members, name) != members.end()) return name;
	return {};
}

template<typename T> void refuse(const Launcher::Done<T> &done, pb::Error e)
{
	Launcher::Outcome<T> out(std::move(e));
	done(out);
}
} // namespace

pb::Error invalid(std::string_view field, std::string_view message, pb::Json value)
{
	pb::Json details = pb::Json::array();
	pb::Json one{{"field", field}, {"message", message}};
	if (value) one.set("value", std::move(value));
	details.push(std::move(one));
	return {400, "VALIDATION_ERROR", fmt::format("Invalid request parameters: {} {}", field, message), std::move(details)};
}

pb::Error error_of(const pb_error &e) { return {e.status, e.code, e.text, e.details ? pb::Json::share(e.details) : pb::Json()}; }

Launcher::Launcher(pb::Scope &scope_, const Known &known_, Machine &machine_, std::string config_dir_)
	: scope(scope_), known(known_), machine(machine_), config_dir(std::move(config_dir_))
{}

void Launcher::status(Done<Sheet> done)
{
	scope.call("procs.status", {}, [this, done = std::move(done)](const pb::Result &r) {
		if (!r.ok()) return refuse(done, known.runs("procs") ? error_of(*r.error()) : known.unavailable("procs"));
		Outcome<Sheet> out(Sheet(pb::Json::share(r.json()), machine.memory_total()));
		done(out);
	});
}

void Launcher::check_interface(const std::string &name) const
{
	const json_t *all = pb::at(known.at("netif/summary"), "interfaces");
	std::size_t i;
	json_t *e;
	bool is_there = !all && ::if_nametoindex(name.c_str()) != 0;
	json_array_foreach(const_cast<json_t *>(all), i, e) is_there = is_there || pb::text_at(e, "name") == name;
	if (!is_there) throw invalid("options.interface", "is no network interface of this machine; GET /api/webhook/interfaces lists them", name);
}

void Launcher::run(Order order, Done<Started> done)
{
	if (order.interface) check_interface(*order.interface);
	if (!order.config) return run_resolved(std::move(order), std::move(done));
	const bool is_taken = scope.work([folder = config_dir, name = *order.config] { return resolve_within(folder, name); },
		[this, order, done](Resolved found) noexcept {
			pb::detail::guarded(
				[&] {
					if (!found.why.empty()) throw invalid("options.config", found.why, *order.config);
					Order next = order;
					next.arguments.insert(next.arguments.begin(), {"--config", found.path});
					run_resolved(std::move(next), done);
				},
				[&](const pb_error &e) { refuse(done, error_of(e)); });
		});
	if (!is_taken) throw pb::Error(503, "", "the workers are too busy to look for the file; try again");
}

void Launcher::run_resolved(Order order, Done<Started> done)
{
	status([this, order = std::move(order), done = std::move(done)](Outcome<Sheet> &got) {
		if (const auto *e = std::get_if<pb::Error>(&got)) return refuse(done, *e);
		start(order, std::get<Sheet>(got), done);
	});
}

void Launcher::start(const Order &order, const Sheet &sheet, Done<Started> done)
{
	if (!sheet.knows(order.script)) return refuse(done, invalid("script", fmt::format("must be one of {}", fmt::join(sheet.names(), ", ")), order.script));
	pb::Json args = target(sheet, order.script), environment = pb::Json::object(), arguments = pb::Json::array();
	if (order.interface) environment.set("KISMET_INTERFACE", *order.interface).set("WIRELESS_INTERFACE", *order.interface);
	for (const std::string &a : order.arguments) arguments.push(a);
	args.set("wait", "first").set("settle", settle).set("environment", std::move(environment)).set("arguments", std::move(arguments));
	args.set("arguments_for", taker_of(sheet, order.script));
	scope.call("procs.start", std::move(args), [this, script = order.script, done = std::move(done)](const pb::Result &r) {
		if (!r.ok()) return refuse(done, known.runs("procs") ? error_of(*r.error()) : known.unavailable("procs"));
		on_started(script, r.json(), done);
	});
}

/// The PID is that of the first that was started, which may be one that the script only requires.
void Launcher::on_started(const std::string &script, const json_t *result, const Done<Started> &done)
{
	const std::string first(pb::text_at(result, "first"));
	const auto tell = [script, done](std::int64_t pid) {
		Outcome<Started> out(Started{script, pid});
		done(out);
	};
	const json_t *entry = pb::text_at(result, "name") == first ? result : nullptr;
	std::size_t i;
	json_t *e;
	json_array_foreach(pb::at(result, "processes"), i, e)
		if (pb::text_at(e, "name") == first) entry = e;
	if (const std::int64_t pid = pb::integer_at(entry, "pid"); pid > 0) return tell(pid);
	scope.call("procs.status", {{"name", first}},
		[tell, fallback = pb::integer_at(result, "pid")](const pb::Result &r) { tell(r.ok() ? pb::integer_at(r.json(), "pid") : fallback); });
}

void Launcher::stop(std::string script, bool force, Done<Stopped> done)
{
	status([this, script = std::move(script), force, done = std::move(done)](Outcome<Sheet> &got) {
		if (const auto *e = std::get_if<pb::Error>(&got)) return refuse(done, *e);
		const auto &sheet = std::get<Sheet>(got);
		if (!sheet.knows(script)) return refuse(done, invalid("script", fmt::format("must be one of {}", fmt::join(sheet.names(), ", ")), script));
		if (!sheet.has(script)) return refuse(done, pb::Error(404, "NOT_RUNNING", fmt::format("{} is not running: procs has no such group", script)));
		pb::Json args = target(sheet, script);
		args.set("force", force);
		scope.call("procs.stop", std::move(args), [this, script, done](const pb::Result &r) {
			if (!r.ok()) return refuse(done, known.runs("procs") ? error_of(*r.error()) : known.unavailable("procs"));
			const json_t *s = pb::at(r.json(), "stopped"), *pid = pb::at(s, "pid"), *all = pb::at(s, "processes");
			if (!json_is_integer(pid)) pid = pb::at(json_array_get(all, 0), "pid");
			Outcome<Stopped> out(Stopped{script, pid ? pb::Json::share(pid) : pb::Json(nullptr), all ? pb::Json::share(all) : pb::Json::array(),
				std::string(pb::text_at(s, "method", "graceful"))});
			done(out);
		});
	});
}

} // namespace webhook
