// How plugins get from what runs to what should run: starts in the order of needs, stops in reverse, upgrades in place.
#include "host/host.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace core::host {

namespace {
constexpr std::chrono::seconds rest_limit{30}, shutdown_limit{90}; // as plugin.h says of drain()
}

void Host::rest(Plugin &p)
{
	if (std::exchange(p.is_resting, true)) return;
	const std::chrono::milliseconds limit = is_hurried ? std::chrono::milliseconds(0) : is_stopping ? shutdown_limit : rest_limit;
	p.instance->rest(is_stopping, false, limit, Bound<>{&p, &Host::on_rested});
}

void Host::on_rested(void *self) noexcept
{
	auto &p = *static_cast<Plugin *>(self);
	Host &host = p.host;
	p.is_resting = false;
	p.instance->stop();
	if (p.next && host.wants(p)) {
		host.exchange(p);
	} else {
		host.close_later(std::move(p.next));
		host.services.log.info("plugin has stopped", {{"name", p.name()}});
		p.state = Plugin::State::waiting;
		host.name_state(p);
		if (!host.wants(p) || p.fresh) host.close_later(std::move(p.instance)); // else it starts again, now or when its need comes back
	}
	p.wants_restart = false;
	host.on_change();
	host.reconcile();
}

/// The old instance has stopped; the new one starts, or else the old one again.
void Host::exchange(Plugin &p)
{
	auto next = std::move(p.next);
	auto started = next->start(p.next_settings.get());
	if (started) {
		services.log.info("plugin upgraded", {{"name", p.name()}, {"version", next->descriptor().version}});
		p.settings = std::move(p.next_settings);
		p.reason.clear();
		close_later(std::exchange(p.instance, std::move(next)));
		return;
	}
	p.reason = "the new file is not used, the old one goes on: start: " + started.error().text;
	services.log.error("plugin not upgraded", {{"name", p.name()}, {"reason", p.reason}});
	close_later(std::move(next));
	if (auto again = p.instance->start(p.settings.get()); !again) fail_plugin(p, "neither the new nor the old instance starts: " + again.error().text);
}

/// A running plugin has fresh code: new instance configured and started, then the old one drained and closed.
void Host::upgrade(Plugin &p)
{
	auto next = std::make_unique<Instance>(services, p.account, std::move(*p.fresh));
	p.fresh.reset();
	const auto keep_old = [&](const std::string &why) {
		p.reason = "the new file is not used, the old one goes on: " + why;
		services.log.error("plugin not upgraded", {{"name", p.name()}, {"reason", why}});
		close_later(std::move(next));
		on_change();
	};
	if (auto loaded = next->load(); !loaded) return keep_old(loaded.error().text);
	crash.add_code(p.name(), next->code().begin, next->code().end);
	auto settings = config::check_plugin(config, p.name(), next->settings());
	if (!settings) return keep_old(config::to_string(settings.error().front()));
	if (((next->descriptor().flags | p.instance->descriptor().flags) & PB_EXCLUSIVE) != 0) {
		p.next = std::move(next);
		p.next_settings = std::move(*settings);
		return rest(p);
	}
	if (auto started = next->start(settings->get()); !started) return keep_old("start: " + started.error().text);
	services.log.info("plugin upgraded", {{"name", p.name()}, {"version", next->descriptor().version}});
	p.settings = std::move(*settings);
	p.reason.clear();
	close_later(std::exchange(p.instance, std::move(next)));
	on_change();
}

/// What it has taken is answered first; its successor, where there is one, serves what is new.
void Host::close_later(std::unique_ptr<Instance> old)
{
	if (!old) return;
	closing.push_back({std::move(old), this});
	Closing &c = closing.back();
	c.instance->rest(
		false, true, c.instance->is_running() ? std::chrono::milliseconds(rest_limit) : std::chrono::milliseconds(0), Bound<>{&c, &Host::on_closed});
}

void Host::on_closed(void *self) noexcept
{
	auto *c = static_cast<Closing *>(self);
	Host &host = *c->host;
	host.crash.remove_code(c->instance->code().begin);
	c->instance->stop();
	const auto i = std::ranges::find_if(host.closing, [&](const Closing &e) { return &e == c; });
	auto ended = std::make_shared<std::list<Closing>>(); // shared: std::function copies
	ended->splice(ended->begin(), host.closing, i);
	host.services.reactor.defer([ended] {}); // unmapped after this turn
	host.reconcile();
}

void Host::find_cycles()
{
	std::map<std::string, int> colour; // 1: on the path, 2: done
	std::vector<std::string> path;
	const auto visit = [&](const auto &again, const std::string &name) -> void {
		const auto i = plugins.find(name);
		if (i == plugins.end() || !i->second.instance || colour[name] == 2) return;
		if (colour[name] == 1) {
			const auto from = std::ranges::find(path, name);
			const std::string cycle = fmt::format("needs go in a circle: {} → {}", fmt::join(from, path.end(), " → "), name);
			for (auto at = from; at != path.end(); ++at)
				if (Plugin &p = plugins.at(*at); p.failure.empty()) fail_plugin(p, cycle);
			return;
		}
		colour[name] = 1;
		path.push_back(name);
		const auto needs = i->second.instance->descriptor().needs; // a copy: failing frees the instance
		for (const std::string &need : needs) again(again, need);
		path.pop_back();
		colour[name] = 2;
	};
	for (auto &[name, p] : plugins)
		if (wants(p) && p.state != Plugin::State::running) visit(visit, name);
}

void Host::reconcile()
{
	if (!is_started || std::exchange(is_planned, true)) return;
	services.reactor.defer([this] {
		is_planned = false;
		reconcile_once();
	});
}

/// It runs and should not, or not like this: it rests, or will as soon as nobody needs it any more.
bool Host::is_leaving(const Plugin &p) const
{
	return p.state == Plugin::State::running &&
		   (p.is_resting || p.wants_restart || !wants(p) || std::ranges::any_of(p.instance->descriptor().needs, [this](const std::string &need) {
			   const auto i = plugins.find(need);
			   return i == plugins.end() || i->second.state != Plugin::State::running || (!i->second.wants_restart && is_leaving(i->second));
		   }));
}

/// Those that others need wait until these have stopped. A restart with other settings is none of their business.
void Host::stop_unwanted()
{
	for (auto &[name, p] : plugins) {
		if (p.is_resting || !is_leaving(p)) continue;
		const bool is_needed = std::ranges::any_of(plugins, [&n = name](const auto &e) {
			return e.second.state == Plugin::State::running && std::ranges::count(e.second.instance->descriptor().needs, n) > 0;
		});
		if (!is_needed || (p.wants_restart && wants(p))) rest(p);
	}
}

void Host::reconcile_once()
{
	stop_unwanted();
	for (auto &[name, p] : plugins)
		if (p.state == Plugin::State::running && !p.is_resting && p.fresh && wants(p)) upgrade(p);
	for (auto &[name, p] : plugins)
		if (wants(p) && p.state != Plugin::State::running && !p.is_resting) load(p, nullptr);
	find_cycles();
	for (bool has_changed = true; has_changed;) {
		has_changed = false;
		for (auto &[name, p] : plugins) {
			if (p.state == Plugin::State::running || p.is_resting || !wants(p) || !p.instance || !unmet_need(p).empty()) continue;
			start(p);
			has_changed = true;
		}
	}
	settle();
}

/// Of a plugin that does not run: why.
void Host::name_state(Plugin &p) const
{
	if (!p.left_off.empty()) p.state = Plugin::State::failed, p.reason = p.left_off;
	else if (!is_enabled(p)) p.state = Plugin::State::disabled, p.reason = p.by_hand ? "disabled by hand" : "enabled = false in the configuration";
	else if (!p.failure.empty()) p.state = Plugin::State::failed, p.reason = p.failure;
	else p.state = Plugin::State::waiting, p.reason = unmet_need(p);
}

/// Names the state of what does not run, forgets what is gone, and answers those who waited.
void Host::settle() noexcept
{
	for (auto &[name, p] : plugins) {
		if (p.state == Plugin::State::running || p.is_resting) continue;
		const Plugin::State before = p.state;
		const std::string said = p.reason;
		name_state(p);
		if (!wants(p) && p.instance) close_later(std::move(p.instance));
		if (p.state != before || p.reason != said) on_change();
	}
	std::erase_if(plugins, [this](const auto &e) {
		const Plugin &p = e.second;
		const bool is_gone = p.path.empty() && p.state != Plugin::State::running && !p.is_resting && !p.instance &&
							 std::ranges::none_of(closing, [&](const Closing &c) { return &c.instance->scope().account == &p.account; });
		if (is_gone) on_change();
		return is_gone;
	});
	std::vector<Waiter> ready;
	std::erase_if(waiters, [&](Waiter &w) {
		const auto i = plugins.find(w.name);
		if (i != plugins.end() && (is_leaving(i->second) || i->second.is_resting || taking.contains(i->second.path))) return false;
		ready.push_back(std::move(w));
		return true;
	});
	for (const Waiter &w : ready) {
		const auto i = plugins.find(w.name);
		if (i == plugins.end()) w.done(fail(fmt::format("plugin {} is gone", w.name), 404));
		else w.done(describe(i->second, true));
	}
	const bool is_at_rest =
		closing.empty() && std::ranges::none_of(plugins, [](const auto &e) { return e.second.is_resting || e.second.state == Plugin::State::running; });
	if (is_stopping && is_at_rest) std::exchange(on_stopped, {})();
}

// ---- what hands and the configuration ask -----------------------------------------------------------------------------

void Host::keep_hands()
{
	const auto told = [this](Result<pb::Json> r) {
		if (!r) services.log.error("what was switched by hand is not kept", {{"reason", r.error().text}});
	};
	services.store.put("core", "by_hand", by_hand.copy(), true, told);
	services.store.put("core", "left_off", left_off.copy(), true, told);
}

/// Reads its file again, changed or not.
void Host::take_again(Plugin &p)
{
	p.stamp = {};
	p.failure.clear();
	if (!p.path.empty()) on_file(std::string(p.path));
}

void Host::enable(const std::string &name, bool is_enabled, Done done)
{
	const auto i = plugins.find(name);
	if (i == plugins.end()) return done(fail(fmt::format("no plugin \"{}\"; GET /api/webhook/plugins lists them", pb::utf8(name)), 404));
	Plugin &p = i->second;
	p.by_hand = is_enabled;
	by_hand.set(name.c_str(), {{"enabled", is_enabled}, {"line", line_of(name)}});
	if (is_enabled && !p.left_off.empty()) {
		p.left_off.clear();
		json_object_del(left_off.get(), name.c_str());
		crash.forget();
	}
	keep_hands();
	if (is_enabled && !p.instance && !p.fresh) take_again(p); // its code was unloaded, or it failed
	waiters.push_back({name, std::move(done)});
	if (taking.empty()) reconcile(); // else when the copy is there
	on_change();
}

void Host::reload(const std::string &name, Done done)
{
	const auto i = plugins.find(name);
	if (i == plugins.end()) return done(fail(fmt::format("no plugin \"{}\"; GET /api/webhook/plugins lists them", pb::utf8(name)), 404));
	waiters.push_back({name, std::move(done)});
	take_again(i->second);
	if (taking.empty()) reconcile();
}

std::vector<config::Problem> Host::apply(config::Config next)
{
	std::vector<config::Problem> problems;
	std::map<Plugin *, pb::Json> checked;
	for (auto &[name, p] : plugins) {
		if (!p.instance) continue;
		auto settings = config::check_plugin(next, name, p.instance->settings());
		if (settings) checked.emplace(&p, std::move(*settings));
		else std::ranges::copy(settings.error(), std::back_inserter(problems));
	}
	if (!problems.empty()) return problems;

	const config::Config before = std::exchange(config, std::move(next));
	for (auto &[name, p] : plugins) {
		const auto was = before.enabled.find(name), is = std::as_const(config).enabled.find(name);
		const bool has_new_line = (was == before.enabled.end()) != (is == config.enabled.end()) || (was != before.enabled.end() && was->second != is->second);
		if (has_new_line && p.by_hand) { // a hand's word holds until the line changes
			p.by_hand.reset();
			json_object_del(by_hand.get(), name.c_str());
			keep_hands();
		}
		const auto old_table = before.plugins.find(name), new_table = std::as_const(config).plugins.find(name);
		const bool has_new_table = !json_equal(
			old_table == before.plugins.end() ? nullptr : old_table->second.get(), new_table == config.plugins.end() ? nullptr : new_table->second.get());
		if (has_new_table || has_new_line) {
			if (!p.instance && !p.fresh && p.left_off.empty() && is_enabled(p)) take_again(p);
			p.failure.clear();
		}
		const auto c = checked.find(&p);
		if (c == checked.end() || json_equal(p.settings.get(), c->second.get())) continue;
		if (p.state == Plugin::State::running && !p.is_resting && p.instance->can_configure()) {
			if (auto done = p.instance->configure(c->second.get()); !done) {
				p.reason = "the new settings are not used, the old ones go on: " + done.error().text;
				services.log.error("plugin refused its new settings", {{"name", name}, {"reason", done.error().text}});
				continue;
			}
			p.reason.clear();
			services.log.info("plugin has new settings", {{"name", name}});
		} else if (p.state == Plugin::State::running) {
			p.wants_restart = true;
		}
		p.settings = std::move(c->second);
	}
	if (folders != config.core.plugin_host.directories || before.core.plugin_host.watch != config.core.plugin_host.watch) {
		folders = config.core.plugin_host.directories;
		watch.set(folders, config.core.plugin_host.watch);
		rescan();
	}
	reconcile();
	on_change();
	return {};
}

void Host::stop(Bound<> on_stopped_)
{
	on_stopped = on_stopped_;
	is_stopping = true;
	watch.set({}, false);
	for (auto &[name, p] : plugins) p.wants_restart = false;
	reconcile();
	if (!is_started) std::exchange(on_stopped, {})();
}

void Host::hurry() noexcept
{
	is_hurried = true;
	for (auto &[name, p] : plugins)
		if (p.is_resting) p.instance->hurry();
	for (Closing &c : closing) c.instance->hurry();
}

void Host::stop_now() noexcept
{
	for (auto &[name, p] : plugins)
		if (p.instance) p.instance->stop();
	for (Closing &c : closing) c.instance->stop();
}

// ---- telling ----------------------------------------------------------------------------------------------------------

pb::Json Host::describe(const Plugin &p, bool with_figures) const
{
	pb::Json needs = pb::Json::array(), out = pb::Json::object();
	const Descriptor *d = p.instance ? &p.instance->descriptor() : p.fresh ? &p.fresh->descriptor : nullptr;
	for (const std::string &need : d ? d->needs : std::vector<std::string>{}) needs.push(need);
	out.set("name", p.name()).set("version", d ? pb::Json(d->version) : pb::Json(nullptr)).set("state", to_string(p.state));
	if (!p.reason.empty()) out.set("reason", p.reason);
	out.set("file", p.path).set("needs", std::move(needs)).set("enabled", is_enabled(p)).set("by_hand", p.by_hand.has_value());
	const auto count = [&](pb_item::Kind kind) { return p.instance ? p.instance->scope().count(kind) : 0; };
	out.set("scope", {{"routes", count(pb_item::Kind::route)}, {"timers", count(pb_item::Kind::timer)}, {"topics", count(pb_item::Kind::topic)},
						 {"methods", count(pb_item::Kind::method)}});
	if (with_figures) out.set("cpu_ms", std::chrono::duration<double, std::milli>(p.account.total).count());
	return out;
}

pb::Json Host::describe(bool with_figures) const
{
	pb::Json list = pb::Json::array();
	for (const auto &[name, p] : plugins) list.push(describe(p, with_figures));
	for (const auto &[path, why] : bad_files) {
		const std::size_t slash = path.rfind('/') + 1;
		pb::Json nothing = {{"routes", 0}, {"timers", 0}, {"topics", 0}, {"methods", 0}};
		pb::Json entry = {{"name", path.substr(slash, path.size() - slash - 3)}, {"version", nullptr}, {"state", "failed"}, {"reason", why}, {"file", path},
			{"needs", pb::Json::array()}};
		entry.set("enabled", true).set("by_hand", false).set("scope", std::move(nothing));
		if (with_figures) entry.set("cpu_ms", 0);
		list.push(std::move(entry));
	}
	return list;
}

pb::Json Host::describe_config() const
{
	std::vector<std::string> names;
	for (const auto &[name, p] : plugins) names.push_back(name);
	for (const auto &[name, table] : config.plugins)
		if (!plugins.contains(name)) names.push_back(name);
	const auto settings_of = [this](const std::string &name) -> const pb_field * {
		const auto i = plugins.find(name);
		return i == plugins.end() || !i->second.instance ? nullptr : i->second.instance->settings();
	};
	pb::Json files = pb::Json::array();
	for (const std::string &f : config.files) files.push(f);
	return {{"files", std::move(files)}, {"settings", config::show(config, names, settings_of)}, {"differences", config::differences(config, settings_of)}};
}

} // namespace core::host
