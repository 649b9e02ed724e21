#include "build_config.hpp"
#include "config/config.hpp"
#include "temp_folder.hpp"

#include <CppUTest/TestHarness.h>

#include <sys/stat.h>
#include <unistd.h>

using core::config::Config;
using core::config::read;

namespace {
/// A flag of the environment for one test.
class Env {
public:
	Env(const char *name_, const char *value) : name(name_)
	{
		if (const char *was = std::getenv(name)) old = was;
		if (value) setenv(name, value, 1);
		else unsetenv(name);
	}
	~Env() { old.empty() ? unsetenv(name) : setenv(name, old.c_str(), 1); }
	Env(const Env &) = delete;
	Env &operator=(const Env &) = delete;

private:
	const char *name;
	std::string old;
};
} // namespace

TEST_GROUP(config)
{
	test::TempFolder folder;

	/// The problems, a line each, without the folder; "" where there are none.
	std::string problems(const std::string &file, const core::config::Flags &flags = {})
	{
		const auto config = read(file, flags);
		std::string out;
		if (config) return out;
		for (const auto &p : config.error()) out += core::config::to_string(p) + "\n";
		for (std::size_t at = 0; (at = out.find(folder.path + "/")) != std::string::npos;) out.erase(at, folder.path.size() + 1);
		return out;
	}
	std::string problems_of(std::string_view text) { return problems(folder.write("patchbay.toml", text)); }
};

TEST(config, without_a_file_there_are_defaults)
{
	const auto c = read("");
	CHECK(c.has_value());
	const auto &http = c->core.http;
	STRCMP_EQUAL("127.0.0.1:8092", http.listen.at(0).c_str());
	CHECK_EQUAL(1U, http.listen.size());
	CHECK_EQUAL(100, http.rate_limit);
	CHECK_EQUAL(1048576, http.max_body);
	CHECK_EQUAL(1024, http.max_connections);
	CHECK(!http.rate_limit_loopback);
	STRCMP_EQUAL("", http.docroot.c_str());
	STRCMP_EQUAL("none", c->core.auth.mode.c_str());
	CHECK(!c->core.auth.is_written);
	STRCMP_EQUAL("info", c->core.log.level.c_str());
	STRCMP_EQUAL("text", c->core.log.format.c_str());
	STRCMP_EQUAL(PATCHBAY_PLUGINDIR, c->core.plugin_host.directories.at(0).c_str());
	CHECK(c->core.plugin_host.watch);
	CHECK(c->plugins.empty());
	CHECK(c->files.empty());
}

TEST(config, the_core_has_no_flaw_in_its_own_fields) { STRCMP_EQUAL("", core::fields::flaw_of(core::config::core_fields()).c_str()); }

TEST(config, state_is_the_systems_or_the_users)
{
	const Env xdg("XDG_STATE_HOME", "/x/state"), home("HOME", "/home/me");
	const bool is_root = geteuid() == 0;
	STRCMP_EQUAL(is_root ? "/var/lib/patchbay" : "/x/state/patchbay", read("")->core.state.directory.c_str());
	const Env relative("XDG_STATE_HOME", "state");
	STRCMP_EQUAL(is_root ? "/var/lib/patchbay" : "/home/me/.local/state/patchbay", read("")->core.state.directory.c_str());
	STRCMP_EQUAL("/var/lib/patchbay", read(folder.write("patchbay.toml", ""))->core.state.directory.c_str());
	STRCMP_EQUAL("/s", read(folder.write("patchbay.toml", "[state]\ndirectory = \"/s\""))->core.state.directory.c_str());
}

TEST(config, all_that_the_interface_shows_is_taken)
{
	STRCMP_EQUAL("", problems_of(R"(
[http]
listen = ["127.0.0.1:8092", "[::1]:8092", "unix:/run/patchbay/http.sock"]
rate_limit = 0
rate_limit_loopback = true
max_body = 1048576
cors_origins = ["http://localhost:8000", "*"]
trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]
docroot = "/some/folder"
hostnames = ["kit.local"]
[auth]
mode = "none"
tokens = [{ name = "ops", hash = "sha256$73616c74$0000000000000000000000000000000000000000000000000000000000000000", role = "operator" }]
[state]
directory = "/var/lib/patchbay"
[plugin_host]
directories = ["/usr/lib/patchbay/plugins"]
watch = true
[plugins.gpsd]
enabled = true
host = "127.0.0.1"
[plugins.procs.process.kismet]
command = ["/home/pi/Scripts/start_kismet.sh"]
ready = { tcp = "127.0.0.1:2501", timeout = "60s" }
[plugins.procs.group]
both = ["gpsd", "mavgps"]
)")
						 .c_str());
	const auto c = read(folder / "patchbay.toml");
	STRCMP_EQUAL("operator", c->core.auth.tokens.at(0).role.c_str());
	CHECK(c->core.auth.is_written);
	CHECK(c->enabled.at("gpsd"));
	STRCMP_EQUAL(R"({"host":"127.0.0.1"})", c->plugins.at("gpsd").text().c_str());
	STRCMP_EQUAL(
		R"({"group":{"both":["gpsd","mavgps"]},"process":{"kismet":{"command":["/home/pi/Scripts/start_kismet.sh"],"ready":{"tcp":"127.0.0.1:2501","timeout":"60s"}}}})",
		c->plugins.at("procs").text(JSON_COMPACT | JSON_SORT_KEYS).c_str());
}

TEST(config, all_problems_of_a_run_come_at_once_in_the_order_of_the_file)
{
	STRCMP_EQUAL("patchbay.toml:1:2: htpp is not known; did you mean http?\n"
				 "patchbay.toml:4:1: http.rate_limit must be between 0 and 1000000\n"
				 "patchbay.toml:5:1: http.lisen is not known; did you mean listen?\n"
				 "patchbay.toml:6:1: http.max_body must be an integer, not a string\n"
				 "patchbay.toml:7:30: http.listen: \"localhost:1\" is no address; names are not looked up: write 127.0.0.1:8092, [::1]:8092 or "
				 "unix:/run/patchbay/http.sock\n"
				 "patchbay.toml:9:3: log.level must be one of error, warn, info, debug; did you mean warn?\n"
				 "patchbay.toml:11:1: plugins.gpsd.enabled must be true or false\n",
		problems_of("[htpp]\n\n[http]\nrate_limit = -1\nlisen = []\nmax_body = '1'\nlisten = [\"127.0.0.1:8092\",  \"localhost:1\"]\n[log]\n  level = "
					"'wran'\n[plugins.gpsd]\nenabled = 1\n")
			.c_str());
}

TEST(config, entries_of_the_wrong_form_are_named)
{
	STRCMP_EQUAL("patchbay.toml:2:17: http.cors_origins: \"localhost\" is no origin; write it as \"http://localhost:8000\", or \"*\"\n"
				 "patchbay.toml:3:20: http.trusted_proxies: \"10.0.0.0/64\" is no address and no network; write it as \"192.0.2.1\" or \"192.0.2.0/24\"; "
				 "\"unix\" stands for whoever connects by a Unix socket\n"
				 "patchbay.toml:4:14: http.hostnames: \"kit:80\" is no host name; write it without scheme and port\n"
				 "patchbay.toml:5:1: certificate and key go together; one of them is missing\n"
				 "patchbay.toml:6:29: http.listen: \"127.0.0.1:1\" stands there twice\n",
		problems_of("[http]\ncors_origins = [\"localhost\"]\ntrusted_proxies = [\"10.0.0.0/64\"]\nhostnames = [\"kit:80\"]\ncertificate = \"/c\"\nlisten =   "
					"[\"127.0.0.1:1\",  \"127.0.0.1:1\"]\n")
			.c_str());
	STRCMP_EQUAL("patchbay.toml:2:29: auth.tokens: the hash of \"a\" is not one that `patchbayd --hash-token` prints\n"
				 "patchbay.toml:3:13: auth.tokens: the hash of \"a\" is not one that `patchbayd --hash-token` prints\n"
				 "patchbay.toml:3:25: auth.tokens: the name \"a\" is taken by another token\n",
		problems_of("[auth]\ntokens = [{ role = 'admin', hash = 'x', name = 'a' },\n          { hash = 'x', name = 'a', role = 'admin' }]").c_str());
}

TEST(config, beyond_loopback_auth_must_be_written)
{
	CHECK(problems_of("[http]\nlisten = [\"0.0.0.0:8092\"]").starts_with("patchbay.toml:2:1: [http] listen: 0.0.0.0:8092 can be reached from other machines"));
	STRCMP_EQUAL("", problems_of("[http]\nlisten = [\"0.0.0.0:8092\"]\n[auth]\nmode = 'none'").c_str());
	STRCMP_EQUAL("", problems_of("[http]\nlisten = [\"0.0.0.0:8092\"]\n[auth]\nmode = 'token'").c_str());
	STRCMP_EQUAL("", problems_of("[http]\nlisten = [\"127.0.0.2:8092\", \"[::1]:1\", \"unix:/s\"]").c_str());
	const std::string file = folder.write("patchbay.toml", "");
	CHECK(problems(file, {.listen = {"[::]:8092"}}).starts_with("--listen: [http] listen: [::]:8092 can be reached"));
}

TEST(config, flags_go_before_the_file)
{
	const std::string file = folder.write("patchbay.toml", "[http]\nlisten = ['127.0.0.1:1', 'nonsense']\n[log]\nlevel = 'debug'\n[state]\ndirectory = '/a'");
	const auto c =
		read(file, {.listen = {"127.0.0.1:2"}, .plugin_directories = {"/p", "/q"}, .state_directory = "/b", .log_level = "error", .log_format = "json"});
	CHECK(c.has_value());
	STRCMP_EQUAL("127.0.0.1:2", c->core.http.listen.at(0).c_str());
	CHECK_EQUAL(2U, c->core.plugin_host.directories.size());
	STRCMP_EQUAL("/b", c->core.state.directory.c_str());
	STRCMP_EQUAL("error", c->core.log.level.c_str());
	STRCMP_EQUAL("json", c->core.log.format.c_str());
	STRCMP_EQUAL("--log-level: log.level must be one of error, warn, info, debug\n--listen: http.listen: \"nonsense\" must end with its port: 127.0.0.1:8092\n",
		problems("", {.listen = {"nonsense"}, .log_level = "x"}).c_str());
}

TEST(config, later_files_win_and_tables_merge)
{
	folder.write("patchbay.toml", "[http]\nrate_limit = 1\nlisten = ['127.0.0.1:1']\n[plugins.gpsd]\nhost = 'a'\nport = 1\n");
	folder.write("conf.d/20-b.toml", "[plugins.gpsd]\nport = 3\nenabled = false\n");
	folder.write("conf.d/10-a.toml", "[plugins.gpsd]\nport = 2\n[http]\nlisten = ['127.0.0.1:2', '127.0.0.1:3']\n");
	folder.write("conf.d/.hidden.toml", "nonsense");
	folder.write("conf.d/30-c.toml.bak", "nonsense");
	const auto c = read(folder / "patchbay.toml");
	CHECK(c.has_value());
	CHECK_EQUAL(3U, c->files.size());
	CHECK_EQUAL(1, c->core.http.rate_limit);
	CHECK_EQUAL(2U, c->core.http.listen.size());
	CHECK(!c->enabled.at("gpsd"));
	CHECK_EQUAL(3, pb::integer_at(c->plugins.at("gpsd").get(), "port"));
	STRCMP_EQUAL("a", std::string(pb::text_at(c->plugins.at("gpsd").get(), "host")).c_str());
	STRCMP_EQUAL((folder / "conf.d/20-b.toml").c_str(), c->places.at("plugins.gpsd.port").file.c_str());
	STRCMP_EQUAL((folder / "conf.d/10-a.toml").c_str(), c->places.at("http.listen[1]").file.c_str());
}

TEST(config, problems_of_all_files_come_together)
{
	folder.write("patchbay.toml", "[http]\nlisten = ['0.0.0.0:1']\nx = 1\n");
	folder.write("conf.d/a.toml", "[auth\nmode = 'none'\n"); // may have said what listen needs
	folder.write("conf.d/b.toml", "y = 1\n");
	const std::string text = problems(folder / "patchbay.toml");
	CHECK(text.starts_with("patchbay.toml:3:1: http.x is not known\nconf.d/a.toml:1:6: "));
	CHECK(text.ends_with("conf.d/b.toml:1:1: y is not known\n"));
	CHECK(text.find("other machines") == std::string::npos);
}

TEST(config, a_file_that_cannot_be_read_says_why)
{
	STRCMP_EQUAL("none.toml: cannot be read: no such file\n", problems(folder / "none.toml").c_str());
	STRCMP_EQUAL((folder.path + ": is a folder; a TOML file is wanted\n").c_str(), problems(folder.path).c_str());
	mkfifo((folder / "fifo").c_str(), 0600);
	STRCMP_EQUAL("fifo: is no regular file\n", problems(folder / "fifo").c_str());
	const std::string big = folder.write("big.toml", "a = 1\n");
	CHECK_EQUAL(0, truncate(big.c_str(), 100'000'000));
	STRCMP_EQUAL("big.toml: is larger than 1048576 bytes; is it a configuration?\n", problems(big).c_str());
	CHECK(problems("/dev/zero").starts_with("/dev/zero: is no regular file"));
	CHECK(problems_of(std::string_view("\x7f\x45LF\2\1\1\0\0\0", 10)).starts_with("patchbay.toml:1:"));
	folder.write("patchbay.toml", "");
	folder.write("conf.d/dir.toml/x", "");
	STRCMP_EQUAL("conf.d/dir.toml: is a folder; a TOML file is wanted\n", problems(folder / "patchbay.toml").c_str());
}

TEST(config, a_file_without_permission_says_as_whom)
{
	if (geteuid() == 0) return; // root reads everything
	const std::string file = folder.write("patchbay.toml", "");
	chmod(file.c_str(), 0);
	CHECK(problems(file).starts_with("patchbay.toml: cannot be read: permission denied (as user "));
}

TEST(config, a_plugins_name_must_be_one)
{
	STRCMP_EQUAL("patchbay.toml:1:10: plugins.Gpsd: no plugin can have that name; it is of a-z, 0-9, _ and -\n"
				 "patchbay.toml:3:1: plugins.kismet must be a table\n",
		problems_of("[plugins.Gpsd]\n[plugins]\nkismet = 5\n").c_str());
	STRCMP_EQUAL("patchbay.toml:1:1: plugins must be a table, not an integer\n", problems_of("plugins = 5").c_str());
}
