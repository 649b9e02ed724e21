// The configuration: one TOML file and conf.d/*.toml beside it, read whole, checked whole, applied whole or not at all.
#pragma once
#include "fields/check.hpp"
#include "result.hpp"

#include <patchbay/plugin.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace core::config {

struct Token { std::string name, hash, role; };

/// [http] and [auth], [log], [state], [plugin_host]: the core's own settings, typed. Paths and addresses as written.
struct Core {
	struct Http {
		std::vector<std::string> listen;      // "127.0.0.1:8092", "[::1]:8092", "unix:/run/patchbay/http.sock"
		std::int64_t rate_limit, max_body, max_connections;
		bool rate_limit_loopback;
		std::vector<std::string> cors_origins, trusted_proxies, hostnames;
		std::string docroot, certificate, key; // empty: none
	} http;
	struct Auth {
		bool is_written; // [auth] mode stands in a file
		std::string mode; // "none" | "token"
		std::vector<Token> tokens;
	} auth;
	struct Log { std::string level, format, file; } log;
	struct State { std::string directory; } state;
	struct PluginHost { std::vector<std::string> directories; bool watch; } plugin_host;
};

/// Where a value stands. column and line from 1; line 0: a default or a flag.
struct Place { std::string file; unsigned line = 0, column = 0; };

struct Problem { Place place; std::string message; }; // message names the nearest known key where a key is unknown
/// "etc/patchbay.toml:12:3: message"
[[nodiscard]] std::string to_string(const Problem &p);

/// One reading of the files. Plugins' tables stay JSON until their fields are known.
struct Config {
	Core core;
	std::vector<std::string> files; // that were read, the main one first; empty: defaults
	/// [plugins.NAME] as JSON, without `enabled`.
	std::map<std::string, pb::Json> plugins;
	/// `enabled` where it is written.
	std::map<std::string, bool> enabled;
	/// Places of keys, by path: "http.listen", "plugins.procs.process.kismet.command".
	std::map<std::string, Place> places;
};

/// Reads `file` (empty: defaults alone) and conf.d/*.toml in its folder in name order; a later file's keys win, tables merge.
/// The core's tables are checked; the plugins' when their fields are known (check_plugin).
[[nodiscard]] tl::expected<Config, std::vector<Problem>> read(const std::string &file);

/// Checks one plugin's table against its settings: complete JSON for start(), or what is wrong and where.
[[nodiscard]] tl::expected<pb::Json, std::vector<Problem>> check_plugin(const Config &config, const std::string &name, const pb_field *settings);
/// [plugins.X] tables whose plugin is not known: each an error with the nearest name.
[[nodiscard]] std::vector<Problem> unknown_plugins(const Config &config, const std::vector<std::string> &known);
/// The whole of it as JSON for people (`config show`), secrets as "***".
[[nodiscard]] pb::Json show(const Config &config);

} // namespace core::config
