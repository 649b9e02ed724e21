#include "host/host.hpp"
#include "fields/check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace core::host {

namespace {
std::string stem_of(const std::string &path)
{
	const std::size_t slash = path.rfind('/') + 1;      // npos + 1 is 0
	return path.substr(slash, path.size() - slash - 3); // without .so
}

std::string to_text(const std::vector<config::Problem> &problems)
{
	std::vector<std::string> lines;
	for (const config::Problem &p : problems) lines.push_back(config::to_string(p));
	return fmt::format("{}", fmt::join(lines, "; "));
}
} // namespace

const char *to_string(Plugin::State state) noexcept
{
	switch (state) {
	case Plugin::State::waiting: return "waiting";
	case Plugin::State::running: return "running";
	case Plugin::State::disabled: return "disabled";
	case Plugin::State::failed: return "failed";
	}
	return "";
}

Host::Host(Services &services_, Crash &crash_, const std::string &copies_in)
	: services(services_), crash(crash_), copies(copies_in), watch(services.reactor, services.log, bind<&Host::on_file>(this))
{}

Host::~Host() = default;

// ---- what is in the folders -------------------------------------------------------------------------------------------

std::vector<config::Problem> Host::load(config::Config first, const std::vector<std::string> &suspects)
{
	config = std::move(first);
	by_hand = services.store.get_now("core", "by_hand");
	if (!json_is_object(by_hand.get())) by_hand = pb::Json::object();
	left_off = services.store.get_now("core", "left_off");
	if (!json_is_object(left_off.get())) left_off = pb::Json::object();
	for (const std::string &name : suspects)
		left_off.set(name.c_str(), "left off: it was on the stack in each of the last 3 crashes of the daemon; enable it by hand to try again");
	if (!suspects.empty() && !services.store.put_now("core", "left_off", left_off.copy())) services.log.error("who crashed the daemon cannot be kept");
	folders = config.core.plugin_host.directories;
	for (const std::string &folder : folders) {
		if (const std::string problem = folder_problem(folder); !problem.empty()) {
			services.log.error(problem);
			continue;
		}
		for (const std::string &path : FolderWatch::list(folder)) {
			const auto stamp = stamp_of(path);
			adopt(path, stamp ? *stamp : Stamp{}, take(path, copies));
		}
	}
	std::vector<config::Problem> problems;
	for (auto &[name, p] : plugins)
		if (is_enabled(p) && p.left_off.empty()) load(p, &problems);
	std::vector<std::string> known;
	for (const auto &[name, p] : plugins) known.push_back(name);
	for (const auto &[path, why] : bad_files) known.push_back(stem_of(path));
	for (const config::Problem &p : config::unknown_plugins(config, known)) services.log.warn(config::to_string(p)); // it may be dropped in later
	return problems;
}

void Host::on_file(const std::string &path) noexcept
{
	const auto stamp = stamp_of(path);
	if (!stamp) return gone(path);
	const std::size_t slash = path.rfind('/');
	if (const std::string problem = folder_problem(path.substr(0, slash)); !problem.empty()) return services.log.error(problem);
	for (const auto &[name, p] : plugins)
		if (p.path == path && p.failure.empty() && p.stamp == *stamp && (p.instance || p.fresh)) return; // nothing but its mode, or a touch of the folder
	if (!taking.insert(path).second) return;                                                             // its end looks again
	auto result = std::make_shared<Result<PluginFile>>(fail(""));                                        // shared: worker and loop
	const bool is_taken = services.pool.submit([this, path, result] { *result = take(path, copies); },
		[this, path, stamp = *stamp, result] {
			taking.erase(path);
			if (is_stopping) return;
			const auto now = stamp_of(path);
			if (!now || !(*now == stamp)) return on_file(path); // it changed meanwhile
			adopt(path, stamp, std::move(*result));
			reconcile();
		});
	if (!is_taken) {
		taking.erase(path);
		services.log.warn("plugin file is looked at later: the worker pool is busy", {{"file", path}});
	}
}

void Host::adopt(const std::string &path, Stamp stamp, Result<PluginFile> file)
{
	bad_files.erase(path);
	const auto of_path = std::ranges::find_if(plugins, [&](const auto &e) { return e.second.path == path; });
	if (!file) {
		services.log.error("plugin file cannot be used", {{"file", path}, {"reason", file.error().text}});
		if (of_path == plugins.end()) {
			bad_files[path] = file.error().text;
		} else {
			Plugin &p = of_path->second;
			p.stamp = stamp;
			if (p.state == Plugin::State::running) p.reason = "the new file is not used, the old one goes on: " + file.error().text;
			else fail_plugin(p, file.error().text);
		}
		on_change();
		return;
	}
	const std::string name = file->descriptor.name;
	if (of_path != plugins.end() && of_path->first != name) gone(path); // the file holds another plugin now
	auto [i, is_new] = plugins.try_emplace(name, name, *this);
	Plugin &p = i->second;
	if (!is_new && !p.path.empty() && p.path != path) {
		bad_files[path] = fmt::format("a plugin named {} is there already: {}", name, p.path);
		services.log.error("plugin file cannot be used", {{"file", path}, {"reason", bad_files[path]}});
		return;
	}
	if (is_new) {
		const json_t *hand = pb::at(by_hand.get(), name.c_str());
		if (json_is_object(hand) && json_equal(pb::at(hand, "line"), line_of(name).get())) p.by_hand = pb::bool_at(hand, "enabled");
		p.left_off = pb::text_at(left_off.get(), name.c_str());
	}
	p.path = path;
	p.stamp = stamp;
	p.failure.clear();
	p.fresh = std::move(*file);
	if (!p.instance) p.state = Plugin::State::waiting;
}

void Host::gone(const std::string &path)
{
	bad_files.erase(path);
	for (auto &[name, p] : plugins) {
		if (p.path != path) continue;
		p.path.clear();
		p.fresh.reset();
		services.log.info("plugin file is gone", {{"name", name}, {"file", path}});
		// Another file that was refused as a duplicate may serve now.
		for (const auto &[other, why] : std::map(bad_files))
			if (stem_of(other) == name) on_file(other);
	}
	reconcile();
	on_change();
}

void Host::rescan()
{
	for (const std::string &folder : folders)
		for (const std::string &path : FolderWatch::list(folder)) on_file(path);
	for (const auto &[name, p] : plugins)
		if (!p.path.empty() && !stamp_of(p.path)) return gone(std::string(p.path)); // one a round: gone() changes the map
}

// ---- what should run --------------------------------------------------------------------------------------------------

pb::Json Host::line_of(const std::string &name) const
{
	const auto i = config.enabled.find(name);
	return i == config.enabled.end() ? pb::Json(nullptr) : pb::Json(i->second);
}

bool Host::is_enabled(const Plugin &p) const
{
	if (p.by_hand) return *p.by_hand;
	const auto i = config.enabled.find(p.name());
	return i == config.enabled.end() || i->second;
}

bool Host::wants(const Plugin &p) const { return !is_stopping && !p.path.empty() && is_enabled(p) && p.left_off.empty() && p.failure.empty(); }

std::string Host::unmet_need(const Plugin &p) const
{
	const auto &needs = p.instance ? p.instance->descriptor().needs : p.fresh ? p.fresh->descriptor.needs : std::vector<std::string>{};
	for (const std::string &need : needs) {
		const auto i = plugins.find(need);
		if (i == plugins.end()) return fmt::format("needs {}, which is not in any plugin folder", need);
		const Plugin &n = i->second;
		if (n.state != Plugin::State::running || n.is_resting || !wants(n))
			return fmt::format("needs {}, which is {}", need, n.is_resting ? "stopping" : to_string(n.state));
	}
	return {};
}

/// Maps fresh code and checks the settings. False: failed, or (with `problems`) its settings are wrong.
bool Host::load(Plugin &p, std::vector<config::Problem> *problems)
{
	if (!p.instance) {
		if (!p.fresh) return false;
		auto next = std::make_unique<Instance>(services, p.account, std::move(*p.fresh));
		p.fresh.reset();
		auto loaded = next->load();
		const std::string flaw = loaded ? fields::flaw_of(next->settings()) : loaded.error().text;
		if (!flaw.empty()) {
			fail_plugin(p, loaded ? "its settings' table: " + flaw : flaw);
			return false;
		}
		crash.add_code(p.name(), next->code().begin, next->code().end);
		p.instance = std::move(next);
	}
	auto settings = config::check_plugin(config, p.name(), p.instance->settings());
	if (settings) {
		p.settings = std::move(*settings);
		return true;
	}
	if (problems) std::ranges::copy(settings.error(), std::back_inserter(*problems));
	else fail_plugin(p, to_text(settings.error()));
	return false;
}

void Host::fail_plugin(Plugin &p, std::string why)
{
	services.log.error("plugin failed", {{"name", p.name()}, {"reason", why}});
	p.state = Plugin::State::failed;
	p.failure = p.reason = std::move(why);
	if (p.instance && !p.instance->is_running()) close_later(std::move(p.instance));
	on_change();
}

void Host::start(Plugin &p)
{
	if (!load(p, nullptr)) return;
	if (auto started = p.instance->start(p.settings.get()); !started) return fail_plugin(p, "start: " + started.error().text);
	p.state = Plugin::State::running;
	p.reason.clear();
	services.log.info("plugin runs", {{"name", p.name()}, {"version", p.instance->descriptor().version}});
	on_change();
}

void Host::start()
{
	is_started = true;
	watch.set(folders, config.core.plugin_host.watch);
	reconcile_once();
}

} // namespace core::host
