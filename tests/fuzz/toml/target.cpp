// A configuration file: read, checked, shown. What passes has what the daemon relies on.
#include "config/settings.hpp"
#include "config/toml.hpp"

#include <cstdint>
#include <cstdlib>

namespace {

constexpr pb_field end{};
constexpr pb_field ready[] = {{"tcp", PB_STRING, "", "", 0, 0, nullptr, nullptr}, {"timeout", PB_DURATION, "60s", "", 0.1, 3600, nullptr, nullptr}, end};
constexpr pb_field process[] = {
	{"command", PB_LIST | PB_STRING, nullptr, "", 1, 64, nullptr, nullptr}, {"ready", PB_TABLE | PB_ALSO_STRING, "\"none\"", "", 0, 0, "none", ready}, end};
constexpr pb_field procs[] = {{"process", PB_MAP | PB_TABLE, "{}", "", 0, 0, nullptr, process},
	{"group", PB_MAP | PB_LIST | PB_STRING, "{}", "", 0, 0, nullptr, nullptr}, {"rule", PB_LIST | PB_ANY, "[]", "", 0, 0, nullptr, nullptr}, end};

void must(bool is_so)
{
	if (!is_so) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	using namespace core::config;
	auto parsed = parse_toml({reinterpret_cast<const char *>(data), size}, "f");
	if (!parsed) {
		must(!parsed.error().empty());
		for (const Problem &p : parsed.error()) must(!to_string(p).empty());
		return 0;
	}
	Config config;
	config.files = {"f"};
	config.places = std::move(parsed->places);
	std::vector<Problem> problems;
	apply(parsed->table, {}, true, config, problems);
	for (const Problem &p : problems) must(!to_string(p).empty());
	(void)show(config, {"procs"}, [](const std::string &plugin) { return plugin == "procs" ? procs : nullptr; }).text();
	if (!problems.empty()) return 0;
	must(config.core.http.max_connections >= 1 && config.core.http.rate_limit >= 0 && !config.core.state.directory.empty());
	must(config.core.auth.mode == "none" || config.core.auth.mode == "token");
	for (const auto &[name, table] : config.plugins) {
		must(json_is_object(table.get()));
		const auto made = check_plugin(config, name, procs);
		must(made ? json_is_object(pb::at(made->get(), "process")) : !made.error().empty());
	}
	(void)unknown_plugins(config, {"gpsd", "procs"});
	must(changed_plugins(config, config).empty());
	return 0;
}
