#include "doctor/kit.hpp"

#include "look.hpp"

namespace ctl {

const json_t *Kit::setting(const char *plugin, const char *key) const
{
	const auto i = config.plugins.find(plugin);
	return i == config.plugins.end() ? nullptr : pb::at(i->second.get(), key);
}

std::string Kit::text(const char *plugin, const char *key, const char *fallback) const
{
	const json_t *v = setting(plugin, key);
	return json_is_integer(v) ? std::to_string(json_integer_value(v)) : std::string(pb::text_of(v, fallback));
}

std::vector<std::string> Kit::list(const char *plugin, const char *key, std::vector<std::string> fallback) const
{
	const json_t *v = setting(plugin, key);
	if (!json_is_array(v)) return fallback;
	std::vector<std::string> out;
	for (const json_t *e : Entries(v)) out.emplace_back(pb::text_of(e));
	return out;
}

bool Kit::is_enabled(const char *plugin) const
{
	const auto i = config.enabled.find(plugin);
	return i == config.enabled.end() || i->second;
}

Kit read_kit(const std::string &file)
{
	Kit kit{.file = file, .problems = {}, .config = {}};
	auto given = core::config::read(file);
	if (!given) {
		for (const auto &p : given.error()) kit.problems.push_back(core::config::to_string(p));
		given = core::config::read("");
	}
	if (given) kit.config = std::move(*given);
	return kit;
}

} // namespace ctl
