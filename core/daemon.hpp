// The daemon: builds the core's parts, wires them, and runs from the first signal to the last.
#pragma once
#include "config/config.hpp"

#include <memory>
#include <string>
#include <vector>

namespace core {

/// What stands on the command line; it overrides the file.
struct Options {
	std::string config_file; // empty: defaults
	std::vector<std::string> listen, plugin_dirs;
	std::string state_dir, log_level, log_format;
};

/// As interface.md has them.
enum ExitCode { stopped = 0, failed = 1, bad_configuration = 2, address_taken = 3 };

/// Reads the configuration with the options put over it.
[[nodiscard]] tl::expected<config::Config, std::vector<config::Problem>> read_config(const Options &options);

/// One daemon. Two fit into one process, but for the process's signals.
class Daemon final {
public:
	Daemon(Options options, config::Config config);
	~Daemon();
	Daemon(const Daemon &) = delete;
	Daemon &operator=(const Daemon &) = delete;

	/// Loads the plugins and checks their settings, and no more. Problems go to stderr.
	[[nodiscard]] int load_only();
	/// Until it is told to stop.
	[[nodiscard]] int run();

private:
	struct Parts;
	std::unique_ptr<config::Config> initial; // until the plugins are loaded
	std::unique_ptr<Parts> parts;
};

/// For --check: all that can be said without starting.
[[nodiscard]] int check(const Options &options);

} // namespace core
