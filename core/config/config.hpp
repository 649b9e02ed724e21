// The configuration: one TOML file and conf.d/*.toml beside it, read whole, checked whole, applied whole or not at all.
#pragma once
#include "fields/check.hpp"
#include "result.hpp"

#include <patchbay/plugin.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace core::http {
class TlsIdentity;
}

namespace core::config {

struct Token {
	std::string name, hash, role;
	bool operator==(const Token &) const = default;
};

/// [http] and [auth], [log], [state], [plugin_host]: the core's own settings, typed. Paths and addresses as written.
struct Core {
	struct Http {
		std::vector<std::string> listen; // "127.0.0.1:8092", "[::1]:8092", "unix:/run/patchbay/http.sock"
		std::int64_t rate_limit, max_body, max_connections;
		bool rate_limit_loopback;
		std::vector<std::string> cors_origins, trusted_proxies, hostnames;
		std::string docroot, certificate, key;             // empty: none
		std::shared_ptr<const http::TlsIdentity> identity; // of certificate and key; null: none. Shared with the server
		bool operator==(const Http &) const = default;
	} http;
	struct Auth {
		bool is_written;  // [auth] mode stands in a file
		std::string mode; // "none" | "token"
		std::vector<Token> tokens;
		bool operator==(const Auth &) const = default;
	} auth;
	struct Log {
		std::string level, format, file; // file: empty: stderr
		bool operator==(const Log &) const = default;
	} log;
	struct State {
		std::string directory;
		bool operator==(const State &) const = default;
	} state;
	struct PluginHost {
		std::vector<std::string> directories;
		bool watch;
		bool operator==(const PluginHost &) const = default;
	} plugin_host;
	bool operator==(const Core &) const = default;
};

/// Where a value stands. column and line from 1; line 0: a default or a flag (file is then "--listen").
struct Place {
	std::string file;
	unsigned line = 0, column = 0;
};

struct Problem {
	Place place;
	std::string message;
}; // message names the nearest known key where a key is unknown
/// "etc/patchbay.toml:12:3: message"
[[nodiscard]] std::string to_string(const Problem &p);

/// What the command line says: it overrides the files. Empty: not said.
struct Flags {
	std::vector<std::string> listen, plugin_directories;
	std::string state_directory, log_level, log_format;
};

/// One reading of the files. Plugins' tables stay JSON until their fields are known.
struct Config {
	Core core;
	pb::Json core_table;            // the same as JSON, checked and complete
	std::vector<std::string> files; // that were read, the main one first; empty: defaults
	/// [plugins.NAME] as JSON, without `enabled`.
	std::map<std::string, pb::Json> plugins;
	/// `enabled` where it is written.
	std::map<std::string, bool> enabled;
	/// Places of keys and list entries, by path: "http.listen", "plugins.procs.process.kismet.command", "http.listen[1]".
	std::map<std::string, Place> places;
};

/// Reads `file` (empty: defaults alone) and conf.d/*.toml in its folder in name order; a later file's keys win, tables merge.
/// The core's tables are checked; the plugins' when their fields are known (check_plugin). Any thread; it blocks on the disk.
[[nodiscard]] tl::expected<Config, std::vector<Problem>> read(const std::string &file, const Flags &flags = {});

/// Checks one plugin's table against its settings: complete JSON for start(), or what is wrong and where.
[[nodiscard]] tl::expected<pb::Json, std::vector<Problem>> check_plugin(const Config &config, const std::string &name, const pb_field *settings);
/// [plugins.X] tables whose plugin is not known: each an error with the nearest name.
[[nodiscard]] std::vector<Problem> unknown_plugins(const Config &config, const std::vector<std::string> &known);
/// The plugins whose table or `enabled` differs between two readings, in name order.
[[nodiscard]] std::vector<std::string> changed_plugins(const Config &before, const Config &after);

/// The fields of a plugin's settings by its name; NULL where they are not known.
using SettingsOf = std::function<const pb_field *(const std::string &plugin)>;
/// The whole of it as JSON for people, defaults and `plugins` (by name) included, as it would be written, secrets as "***".
/// Where a plugin's fields are not known, only what is written, and secrets by the names of keys.
[[nodiscard]] pb::Json show(const Config &config, const std::vector<std::string> &plugins, const SettingsOf &settings_of);
/// What was given and is not the default: [{"key","value","default","file","line"}]; line 0: a flag, whose name is the file.
[[nodiscard]] pb::Json differences(const Config &config, const SettingsOf &settings_of);

/// The fields of the core's own tables, as one table of tables.
[[nodiscard]] const pb_field *core_fields() noexcept;

} // namespace core::config
