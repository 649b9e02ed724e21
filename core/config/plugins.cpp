// The plugins' tables: checked once their fields are known, compared between two readings.
#include "config/config.hpp"
#include "config/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace core::config {

tl::expected<pb::Json, std::vector<Problem>> check_plugin(const Config &config, const std::string &name, const pb_field *settings)
{
	const auto table = config.plugins.find(name);
	std::vector<fields::Fault> faults;
	pb::Json made = fields::check(settings, table == config.plugins.end() ? nullptr : table->second.get(), fields::Unknown::refuse, faults, "plugins." + name);
	if (faults.empty()) return made;
	std::vector<Problem> problems;
	for (const fields::Fault &f : faults) problems.push_back({place_of(config, f.path), fmt::format("{} {}", f.path, f.message)});
	std::ranges::stable_sort(problems, {}, [](const Problem &p) { return std::tuple(p.place.file, p.place.line, p.place.column); });
	return tl::unexpected(std::move(problems));
}

std::vector<Problem> unknown_plugins(const Config &config, const std::vector<std::string> &known)
{
	std::vector<Problem> out;
	const std::vector<std::string_view> names(known.begin(), known.end());
	for (const auto &[name, table] : config.plugins) {
		if (std::ranges::find(known, name) != known.end()) continue;
		const std::string near = fields::nearest(name, names);
		out.push_back({place_of(config, "plugins." + name),
			near.empty() ? fmt::format("plugins.{}: there is no such plugin in {}", name, fmt::join(config.core.plugin_host.directories, ", "))
						 : fmt::format("plugins.{}: there is no such plugin; did you mean {}?", name, near)});
	}
	return out;
}

std::vector<std::string> changed_plugins(const Config &before, const Config &after)
{
	std::set<std::string> names;
	for (const Config *c : {&before, &after})
		for (const auto &[name, table] : c->plugins) names.insert(name);
	const auto is_same = [&](const std::string &name) {
		const auto a = before.plugins.find(name), b = after.plugins.find(name);
		const auto on_a = before.enabled.find(name), on_b = after.enabled.find(name);
		const bool is_same_line =
			(on_a == before.enabled.end()) == (on_b == after.enabled.end()) && (on_a == before.enabled.end() || on_a->second == on_b->second);
		const pb::Json none = pb::Json::object(); // an empty table is as good as none
		const json_t *x = a == before.plugins.end() ? none.get() : a->second.get(), *y = b == after.plugins.end() ? none.get() : b->second.get();
		return is_same_line && json_equal(x, y) != 0;
	};
	std::vector<std::string> out;
	std::ranges::copy_if(names, std::back_inserter(out), [&](const std::string &n) { return !is_same(n); });
	return out;
}

} // namespace core::config
