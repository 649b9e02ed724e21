#include "config/settings.hpp"
#include "build_config.hpp"

#include "config/listen.hpp"
#include "http/address.hpp"
#include "http/authority.hpp"
#include "http/exposure.hpp"
#include "http/tls_identity.hpp"
#include "http/token_hash.hpp"

#include <patchbay/fields.hpp>

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <tuple>

namespace core::config {

namespace {
constexpr pb_field end{};
constexpr std::uint32_t strings = PB_LIST | PB_STRING;

constexpr pb_field http_fields[] = {
	{"listen", strings, "[\"127.0.0.1:8092\"]", "where to listen: \"127.0.0.1:8092\", \"[::1]:8092\", \"unix:/run/patchbay/http.sock\"", 0, 64, nullptr,
		nullptr},
	{"rate_limit", PB_INTEGER, "100", "requests a minute for each client address; 0: no limit", 0, 1e6, nullptr, nullptr},
	{"rate_limit_loopback", PB_BOOLEAN, "false", "whether loopback is counted as well", 0, 0, nullptr, nullptr},
	{"max_body", PB_INTEGER, "1048576", "the largest body of a request, in bytes", 0, 1073741824, nullptr, nullptr},
	{"max_connections", PB_INTEGER, "1024", "connections at a time; more get 503", 1, 65536, nullptr, nullptr},
	{"cors_origins", strings, "[]", "web pages elsewhere that may speak to us: \"http://localhost:8000\", or \"*\"", 0, 256, nullptr, nullptr},
	{"trusted_proxies", strings, "[]", "addresses or networks whose X-Forwarded-For is believed", 0, 256, nullptr, nullptr},
	{"hostnames", strings, "[]", "names that a Host header may carry, beside addresses and localhost", 0, 256, nullptr, nullptr},
	{"docroot", PB_STRING, "", "a folder of static files, served under / after the routes", 1, 4096, nullptr, nullptr},
	{"certificate", PB_STRING, "", "PEM file with the certificate chain: TLS on every address that is not a Unix socket", 1, 4096, nullptr, nullptr},
	{"key", PB_STRING, "", "PEM file with the certificate's private key", 1, 4096, nullptr, nullptr},
	end,
};
constexpr pb_field token_fields[] = {
	{"name", PB_STRING, nullptr, "whose it is; shown in the log", 1, 128, nullptr, nullptr},
	{"hash", PB_STRING | PB_SECRET, nullptr, "as `patchbayd --hash-token` prints it", 1, 512, nullptr, nullptr},
	{"role", PB_STRING, nullptr, "what its bearer may do", 0, 0, "viewer|operator|admin", nullptr},
	end,
};
constexpr pb_field auth_fields[] = {
	{"mode", PB_STRING, "\"none\"", "\"none\": everybody may do everything; \"token\": by the tokens below", 0, 0, "none|token", nullptr},
	{"tokens", PB_LIST | PB_TABLE, "[]", "who may come in", 0, 1024, nullptr, token_fields},
	end,
};
constexpr pb_field log_fields[] = {
	{"level", PB_STRING, "\"info\"", "what is written", 0, 0, "error|warn|info|debug", nullptr},
	{"format", PB_STRING, "\"text\"", "one line an event, as key=value or as JSON", 0, 0, "text|json", nullptr},
	{"file", PB_STRING, "", "a file to append to; stderr where it is not written", 1, 4096, nullptr, nullptr},
	end,
};
constexpr pb_field state_fields[] = {
	{"directory", PB_STRING, "", "the folder of state.db", 1, 4096, nullptr, nullptr},
	end,
};
constexpr pb_field plugin_host_fields[] = {
	{"directories", strings, "[\"" PATCHBAY_PLUGINDIR "\"]", "folders of plugins; of two with the same name the first folder's is taken", 0, 64, nullptr,
		nullptr},
	{"watch", PB_BOOLEAN, "true", "whether files that come, change or go are acted on at once", 0, 0, nullptr, nullptr},
	end,
};
constexpr pb_field top_fields[] = {
	{"http", PB_TABLE, "{}", "the HTTP server", 0, 0, nullptr, http_fields},
	{"auth", PB_TABLE, "{}", "who may do what", 0, 0, nullptr, auth_fields},
	{"log", PB_TABLE, "{}", "the log", 0, 0, nullptr, log_fields},
	{"state", PB_TABLE, "{}", "what survives a restart", 0, 0, nullptr, state_fields},
	{"plugin_host", PB_TABLE, "{}", "where plugins come from", 0, 0, nullptr, plugin_host_fields},
	{"plugins", PB_MAP | PB_ANY, "{}", "a table for each plugin", 0, 1024, nullptr, nullptr},
	end,
};

pb::Json list_of(const std::vector<std::string> &entries)
{
	pb::Json out = pb::Json::array();
	for (const std::string &e : entries) out.push(e);
	return out;
}

void set_flag(pb::Json &table, const char *section, const char *key, pb::Json value, const char *flag, Config &config)
{
	json_t *there = json_object_get(table.get(), section);
	if (!json_is_object(there)) {
		table.set(section, pb::Json::object());
		there = json_object_get(table.get(), section);
	}
	json_object_set_new(there, key, value.release());
	const std::string path = fmt::format("{}.{}", section, key);
	std::erase_if(config.places, [&](const auto &p) { return p.first.starts_with(path + "["); });
	config.places[path] = {flag, 0, 0};
}

void apply_flags(pb::Json &table, const Flags &flags, Config &config)
{
	if (!flags.listen.empty()) set_flag(table, "http", "listen", list_of(flags.listen), "--listen", config);
	if (!flags.plugin_directories.empty()) set_flag(table, "plugin_host", "directories", list_of(flags.plugin_directories), "--plugin-dir", config);
	if (!flags.state_directory.empty()) set_flag(table, "state", "directory", flags.state_directory, "--state-dir", config);
	if (!flags.log_level.empty()) set_flag(table, "log", "level", flags.log_level, "--log-level", config);
	if (!flags.log_format.empty()) set_flag(table, "log", "format", flags.log_format, "--log-format", config);
}

/// Without a configuration file and without root, state belongs to the user.
std::string usual_state_directory(const Config &config)
{
	const bool is_users = config.files.empty() && geteuid() != 0;
	const char *base = std::getenv("XDG_STATE_HOME"); // which counts only where it is absolute
	if (is_users && base && *base == '/') return fmt::format("{}/patchbay", base);
	const char *home = std::getenv("HOME");
	if (is_users && home && *home == '/') return fmt::format("{}/.local/state/patchbay", home);
	return "/var/lib/patchbay";
}

template<typename T> T read(const json_t *object, const char *key)
{
	T out{};
	if (const json_t *v = pb::at(object, key)) pb::read_value(v, out);
	return out;
}

/// `table` has passed its check.
Core typed(const json_t *table, const Config &config)
{
	using Strings = std::vector<std::string>;
	const json_t *http = pb::at(table, "http"), *auth = pb::at(table, "auth"), *log = pb::at(table, "log"), *host = pb::at(table, "plugin_host");
	Core core{.http = {.listen = read<Strings>(http, "listen"),
				  .rate_limit = read<std::int64_t>(http, "rate_limit"),
				  .max_body = read<std::int64_t>(http, "max_body"),
				  .max_connections = read<std::int64_t>(http, "max_connections"),
				  .rate_limit_loopback = read<bool>(http, "rate_limit_loopback"),
				  .cors_origins = read<Strings>(http, "cors_origins"),
				  .trusted_proxies = read<Strings>(http, "trusted_proxies"),
				  .hostnames = read<Strings>(http, "hostnames"),
				  .docroot = read<std::string>(http, "docroot"),
				  .certificate = read<std::string>(http, "certificate"),
				  .key = read<std::string>(http, "key")},
		.auth = {.is_written = config.places.contains("auth.mode"), .mode = read<std::string>(auth, "mode"), .tokens = {}},
		.log = {.level = read<std::string>(log, "level"), .format = read<std::string>(log, "format"), .file = read<std::string>(log, "file")},
		.state = {.directory = read<std::string>(pb::at(table, "state"), "directory")},
		.plugin_host = {.directories = read<Strings>(host, "directories"), .watch = read<bool>(host, "watch")}};
	std::size_t i;
	json_t *t;
	json_array_foreach(const_cast<json_t *>(pb::at(auth, "tokens")), i, t)
		core.auth.tokens.push_back({std::string(pb::text_at(t, "name")), std::string(pb::text_at(t, "hash")), std::string(pb::text_at(t, "role"))});
	return core;
}

/// What the fields cannot say: forms of entries, and what must go together.
class CrossCheck {
public:
	CrossCheck(Config &config_, std::vector<Problem> &problems_) : config(config_), core(config_.core), problems(problems_) {}
	void run(bool is_whole)
	{
		each("http.listen", core.http.listen, [](const std::string &e) { return listen_flaw(e); });
		each("http.cors_origins", core.http.cors_origins,
			[](const std::string &e) { return e == "*" || http::parse_origin(e) ? "" : "is no origin; write it as \"http://localhost:8000\", or \"*\""; });
		each("http.trusted_proxies", core.http.trusted_proxies, [](const std::string &e) {
			return e == "unix" || http::Network::parse(e)
					   ? ""
					   : "is no address and no network; write it as \"192.0.2.1\" or \"192.0.2.0/24\"; \"unix\" stands for whoever connects by a Unix socket";
		});
		each("http.hostnames", core.http.hostnames, [](const std::string &e) {
			const auto host = http::parse_authority(e);
			return host && host->port == 0 ? "" : "is no host name; write it without scheme and port";
		});
		each("plugin_host.directories", core.plugin_host.directories, [](const std::string &e) { return e.empty() ? "is empty" : ""; });
		tokens();
		tls();
		if (!is_whole) return; // the broken file may have said it
		if (const auto fine = http::check_exposure(core); !fine) say("http.listen", fine.error().text);
	}

private:
	void say(const std::string &path, std::string message) { problems.push_back({place_of(config, path), std::move(message)}); }

	template<typename Flaw> void each(const std::string &path, const std::vector<std::string> &entries, Flaw flaw_in)
	{
		std::set<std::string_view> seen;
		for (std::size_t i = 0; i < entries.size(); ++i) {
			std::string flaw = flaw_in(entries[i]);
			if (flaw.empty() && !seen.insert(entries[i]).second) flaw = "stands there twice";
			if (!flaw.empty()) say(fmt::format("{}[{}]", path, i), fmt::format("{}: \"{}\" {}", path, pb::utf8(entries[i]), flaw));
		}
	}

	void tokens()
	{
		std::set<std::string_view> names;
		for (std::size_t i = 0; i < core.auth.tokens.size(); ++i) {
			const std::string path = fmt::format("auth.tokens[{}]", i);
			const Token &t = core.auth.tokens[i];
			if (!http::TokenHash::parse(t.hash))
				say(path + ".hash", fmt::format("auth.tokens: the hash of \"{}\" is not one that `patchbayd --hash-token` prints", pb::utf8(t.name)));
			if (!names.insert(t.name).second) say(path + ".name", fmt::format("auth.tokens: the name \"{}\" is taken by another token", pb::utf8(t.name)));
		}
	}

	/// The files as well: what cannot be used is found before anything is applied.
	void tls()
	{
		const auto &[certificate, key] = std::tie(core.http.certificate, core.http.key);
		if (certificate.empty() != key.empty())
			return say(key.empty() ? "http.certificate" : "http.key", "certificate and key go together; one of them is missing");
		if (certificate.empty()) return;
		auto identity = http::TlsIdentity::load(certificate, key);
		if (identity) core.http.identity = std::move(*identity);
		else say(identity.error().code, identity.error().text);
	}

	const Config &config;
	Core &core;
	std::vector<Problem> &problems;
};

bool is_plugin_name(std::string_view name) noexcept
{
	return !name.empty() && name.size() < 32 && name[0] >= 'a' && name[0] <= 'z' &&
		   std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
}

/// [plugins.NAME] into config.plugins and config.enabled.
void split_plugins(const json_t *plugins, Config &config, std::vector<Problem> &problems)
{
	const char *name;
	json_t *v;
	json_object_foreach(const_cast<json_t *>(plugins), name, v) {
		const std::string path = fmt::format("plugins.{}", name);
		const auto say = [&](const std::string &at, std::string message) { problems.push_back({place_of(config, at), std::move(message)}); };
		if (!is_plugin_name(name)) say(path, fmt::format("{}: no plugin can have that name; it is of a-z, 0-9, _ and -", path));
		else if (!json_is_object(v)) say(path, fmt::format("{} must be a table", path));
		else {
			pb::Json table = pb::Json::own(json_copy(v));
			if (const json_t *enabled = pb::at(v, "enabled")) {
				if (!json_is_boolean(enabled)) say(path + ".enabled", fmt::format("{}.enabled must be true or false", path));
				config.enabled[name] = json_is_true(enabled);
				json_object_del(table.get(), "enabled");
			}
			config.plugins[name] = std::move(table);
		}
	}
}
} // namespace

const pb_field *core_fields() noexcept { return top_fields; }

Place place_of(const Config &config, std::string path)
{
	for (;;) {
		if (const auto i = config.places.find(path); i != config.places.end()) return i->second;
		const std::size_t cut = path.find_last_of(".[");
		if (cut == std::string::npos) return {config.files.empty() ? "" : config.files.front(), 0, 0};
		path.resize(cut);
	}
}

void apply(pb::Json &table, const Flags &flags, bool is_whole, Config &config, std::vector<Problem> &problems)
{
	apply_flags(table, flags, config);
	std::vector<fields::Fault> faults;
	config.core_table = fields::check(top_fields, table.get(), fields::Unknown::refuse, faults);
	for (fields::Fault &f : faults) problems.push_back({place_of(config, f.path), fmt::format("{} {}", f.path, f.message)});
	split_plugins(pb::at(config.core_table.get(), "plugins"), config, problems);
	json_object_del(config.core_table.get(), "plugins");
	json_t *state = json_object_get(config.core_table.get(), "state");
	if (state && !pb::at(state, "directory")) json_object_set_new(state, "directory", pb::Json(usual_state_directory(config)).release());
	config.core = typed(config.core_table.get(), config);
	CrossCheck(config, problems).run(is_whole && faults.empty());
}

} // namespace core::config
