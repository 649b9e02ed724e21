// What the machine is meant to be: the settings in a file, read as the daemon reads them.
#pragma once
#include "config/config.hpp"

#include <string>
#include <vector>

namespace ctl {

/// Settings of the core and of plugins; what is not written has the default of the plugin's README.
struct Kit {
	std::string file;                  // empty: none, all is as by default
	std::vector<std::string> problems; // why the file could not be taken
	core::config::Config config;

	[[nodiscard]] const json_t *setting(const char *plugin, const char *key) const;
	[[nodiscard]] std::string text(const char *plugin, const char *key, const char *fallback) const;
	[[nodiscard]] std::vector<std::string> list(const char *plugin, const char *key, std::vector<std::string> fallback) const;
	[[nodiscard]] bool is_enabled(const char *plugin) const;
};

[[nodiscard]] Kit read_kit(const std::string &file);

} // namespace ctl
