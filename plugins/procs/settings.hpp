// [plugins.procs] in the configuration: the typed fields, and the checks that a table cannot express.
#pragma once
#include <patchbay/fields.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace procs {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

/// ready = "none" | "notify" | { tcp = "127.0.0.1:2501", timeout = "60s" } | { http = … } | { file = … } | { log = … }
struct Ready {
	enum class Kind { none, notify, tcp, http, file, log };
	Kind kind = Kind::none;
	std::string target;
	milliseconds timeout{60s};

	struct Table {
		std::optional<std::string> tcp, http, file, log;
		bool notify;
		milliseconds timeout;
		static constexpr auto fields = pb::fields(pb::field("tcp", &Table::tcp, {.help = "HOST:PORT that accepts connections"}),
			pb::field("http", &Table::http, {.help = "http://HOST:PORT/PATH that answers with a status of 200 to 299"}),
			pb::field("file", &Table::file, {.help = "a path that exists"}),
			pb::field("log", &Table::log, {.help = "text in a line of its output; * and ? stand for any text and any character"}),
			pb::field("notify", &Table::notify, {.fallback = "false", .help = "READY=1 in the sd_notify protocol"}),
			pb::field("timeout", &Table::timeout, {.fallback = "60s", .min = 10ms, .max = 1h, .help = "how long to wait for it"}));
	};
	static constexpr auto fields = Table::fields; // of the table form
	std::vector<std::string> conditions;          // that were written, for the check
};
void read_value(const json_t *j, Ready &out);

struct Adopt {
	std::string executable;
	std::vector<std::string> arguments;
	static constexpr auto fields =
		pb::fields(pb::field("executable", &Adopt::executable, {.fallback = "\"\"", .help = "path of the program as /proc/PID/exe has it; empty: any"}),
			pb::field("arguments", &Adopt::arguments, {.fallback = "[]", .help = "arguments that its command line has, in this order"}));
};

struct Interface {
	std::string name, mode;
	static constexpr auto fields = pb::fields(pb::field("name", &Interface::name, {.min = 1, .max = 15, .help = "of a network interface"}),
		pb::field("mode", &Interface::mode, {.fallback = "\"\"", .choices = "|managed|monitor", .help = "to bring it into; empty: as it is"}));
};

struct ProcessSettings {
	std::vector<std::string> command;
	std::string unit;
	bool observed;
	std::string directory, user, group, umask;
	std::map<std::string, std::string> environment;
	std::map<std::string, std::int64_t> limits;
	std::optional<int> nice, oom_score_adjust;
	std::string io_class;
	int io_level;
	std::vector<std::string> needs, conflicts;
	Ready ready;
	std::string stop_signal;
	milliseconds stop_timeout;
	std::string restart;
	milliseconds restart_delay, restart_delay_max, restart_window;
	int restart_limit;
	std::int64_t log_size;
	int log_files;
	std::string on_exit;
	bool autostart, on_demand;
	std::vector<std::string> pid_files;
	std::optional<Adopt> adopt;
	std::vector<Interface> interfaces;
	std::vector<int> ports;

	static constexpr auto fields = pb::fields(
		pb::field("command", &ProcessSettings::command, {.fallback = "[]", .max = 256, .help = "program and arguments; never a shell's text"}),
		pb::field("unit", &ProcessSettings::unit, {.fallback = "\"\"", .max = 255, .help = "a systemd unit instead of a command"}),
		pb::field("observed", &ProcessSettings::observed, {.fallback = "false", .help = "neither started nor stopped, only probed by `ready`"}),
		pb::field("directory", &ProcessSettings::directory, {.fallback = "\"/\"", .help = "working directory"}),
		pb::field("user", &ProcessSettings::user, {.fallback = "\"\"", .help = "user to run as; empty: the daemon's"}),
		pb::field("group", &ProcessSettings::group, {.fallback = "\"\"", .help = "group to run as; empty: the user's"}),
		pb::field("umask", &ProcessSettings::umask, {.fallback = "\"022\"", .min = 1, .max = 4, .help = "octal"}),
		pb::field(
			"environment", &ProcessSettings::environment, {.fallback = "{}", .max = 256, .help = "variables beside PATH, HOME, USER, LOGNAME, SHELL, LANG"}),
		pb::field("limits", &ProcessSettings::limits,
			{.fallback = "{}", .max = 16, .help = "resource limits by name (nofile, nproc, core, as, data, stack, fsize, memlock, cpu, …); -1: none"}),
		pb::field("nice", &ProcessSettings::nice, {.min = -20, .max = 19, .help = "-20 to 19"}),
		pb::field("oom_score_adjust", &ProcessSettings::oom_score_adjust, {.min = -1000, .max = 1000, .help = "-1000 to 1000"}),
		pb::field("io_class", &ProcessSettings::io_class, {.fallback = "\"\"", .choices = "|realtime|best-effort|idle", .help = "I/O scheduling class"}),
		pb::field("io_level", &ProcessSettings::io_level, {.fallback = "4", .min = 0, .max = 7, .help = "within the class, 0 is first"}),
		pb::field("requires", &ProcessSettings::needs, {.fallback = "[]", .max = 64, .help = "processes that must be ready before this one starts"}),
		pb::field("conflicts", &ProcessSettings::conflicts, {.fallback = "[]", .max = 64, .help = "processes that must not run beside this one"}),
		pb::field("ready", &ProcessSettings::ready,
			{.fallback = "\"none\"", .choices = "none|notify", .flags = PB_ALSO_STRING, .help = "what shows that it is ready"}),
		pb::field("stop_signal", &ProcessSettings::stop_signal, {.fallback = "\"SIGTERM\"", .help = "sent to the whole tree first"}),
		pb::field("stop_timeout", &ProcessSettings::stop_timeout, {.fallback = "15s", .min = 0ms, .max = 10min, .help = "until SIGKILL"}),
		pb::field("restart", &ProcessSettings::restart, {.fallback = "\"no\"", .choices = "no|on-failure|always", .help = "what to do when it ends by itself"}),
		pb::field("restart_delay", &ProcessSettings::restart_delay,
			{.fallback = "1s", .min = 10ms, .max = 1h, .help = "before the first restart; doubled with each"}),
		pb::field("restart_delay_max", &ProcessSettings::restart_delay_max, {.fallback = "1m", .min = 10ms, .max = 24h, .help = "at most"}),
		pb::field("restart_window", &ProcessSettings::restart_window,
			{.fallback = "10m", .min = 1s, .max = 24h, .help = "for restart_limit; that long without an end forgets the delay"}),
		pb::field("restart_limit", &ProcessSettings::restart_limit,
			{.fallback = "5", .min = 1, .max = 1000, .help = "restarts in restart_window before it is given up as failed"}),
		pb::field("log_size", &ProcessSettings::log_size,
			{.fallback = "1048576", .min = 65536, .max = 1073741824, .help = "bytes of a log file before it is rotated"}),
		pb::field("log_files", &ProcessSettings::log_files, {.fallback = "3", .min = 0, .max = 20, .help = "rotated log files to keep"}),
		pb::field("on_exit", &ProcessSettings::on_exit,
			{.fallback = "\"stop\"", .choices = "stop|leave", .help = "when the daemon stops: stop it, or leave it to the next daemon"}),
		pb::field("autostart", &ProcessSettings::autostart, {.fallback = "false", .help = "start it with the daemon"}),
		pb::field("on_demand", &ProcessSettings::on_demand, {.fallback = "true", .help = "may be started because another process requires it"}),
		pb::field("pid_files", &ProcessSettings::pid_files,
			{.fallback = "[]", .max = 16, .help = "PID files beside pid_dir/NAME.pid; processes that name the same file have a line each"}),
		pb::field("adopt", &ProcessSettings::adopt, {.help = "take over a process that somebody else has started"}),
		pb::field("interfaces", &ProcessSettings::interfaces, {.fallback = "[]", .max = 16, .help = "network interfaces that it owns while it runs"}),
		pb::field(
			"ports", &ProcessSettings::ports, {.fallback = "[]", .max = 16, .help = "ports that it will listen on; not started while another process does"}));
};

struct Settings {
	std::string pid_dir, keep_dir, log_dir, keeper;
	bool cgroup;
	std::vector<std::string> shutdown_order;
	milliseconds shutdown_timeout, sample_interval;
	std::map<std::string, ProcessSettings> process;
	std::map<std::string, std::vector<std::string>> group;

	static constexpr auto fields = pb::fields(
		pb::field("pid_dir", &Settings::pid_dir, {.fallback = "\"\"", .help = "for NAME.pid; empty: /run/patchbay, or the user's runtime directory"}),
		pb::field("keep_dir", &Settings::keep_dir, {.fallback = "\"\"", .help = "for the keepers; empty: a folder of this daemon's own under /run/patchbay"}),
		pb::field("log_dir", &Settings::log_dir, {.fallback = "\"\"", .help = "for NAME.log; empty: procs in the state directory"}),
		pb::field("keeper", &Settings::keeper, {.fallback = "\"\"", .help = "the keeper's program; empty: the one installed with the daemon"}),
		pb::field("cgroup", &Settings::cgroup, {.fallback = "true", .help = "give each start a cgroup v2 of its own where one can be made"}),
		pb::field("shutdown_order", &Settings::shutdown_order,
			{.fallback = "[]", .max = 256, .help = "stopped one after the other when the daemon stops; then the rest, dependents first"}),
		pb::field(
			"shutdown_timeout", &Settings::shutdown_timeout, {.fallback = "60s", .min = 100ms, .max = 80s, .help = "for all of the shutdown; then SIGKILL"}),
		pb::field("sample_interval", &Settings::sample_interval,
			{.fallback = "2s", .min = 100ms, .max = 1h, .help = "between samples of CPU and memory while somebody looks"}),
		pb::field("process", &Settings::process, {.fallback = "{}", .max = 1000, .help = "the processes, by name"}),
		pb::field("group", &Settings::group, {.fallback = "{}", .max = 256, .help = "names for lists of processes"}));
};

/// All that is wrong, a sentence each; empty where nothing is.
[[nodiscard]] std::vector<std::string> faults_in(const Settings &settings);

/// "SIGTERM", "TERM", "15" → 15; 0: none of the kind. And back: "SIGTERM", "SIGRTMIN+1", "signal 99".
[[nodiscard]] int signal_number(std::string_view name) noexcept;
[[nodiscard]] std::string signal_name(int number);
/// "nofile" → RLIMIT_NOFILE; -1: unknown.
[[nodiscard]] int limit_number(std::string_view name) noexcept;

} // namespace procs
