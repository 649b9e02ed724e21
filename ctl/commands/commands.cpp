// The table of commands: the order is that of the help.
#include "commands/commands.hpp"
#include "context.hpp"
#include "failure.hpp"
#include "help.hpp"
#include "version.hpp"

#include "look.hpp"
#include "terminal/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ctl {

namespace {

constexpr Option common[] = {
	{"host", 0, "WHERE", "the daemon: http://NAME:PORT, NAME:PORT or unix:PATH"},
	{"token-file", 0, "FILE", "its first line is the token (also PATCHBAY_TOKEN_FILE)", Words::files},
	{"ca-file", 0, "FILE", "certificates to believe for https (also PATCHBAY_CA_FILE)", Words::files},
	{"timeout", 0, "TIME", "the limit for each request, as in 500ms, 10s, 2m"},
	{"json", 0, nullptr, "the daemon's JSON as it is, for programs"},
	{"color", 0, "auto|always|never", "colours; auto: on a terminal, without NO_COLOR"},
	{"version", 0, nullptr, "print the version"},
	{"help", 'h', nullptr, "say how a command is used"},
};
constexpr Option watch_option[] = {{"watch", 'w', nullptr, "go on, and show each change"}};
constexpr Option list_options[] = {
	{"limit", 'n', "N", "at most so many, 1 to 1000 (50)"},
	{"type", 't', "TYPE", "only this type, as in \"Access Point\""},
	{"search", 's', "TEXT", "only those with this in name, SSID, MAC or maker"},
	{"since", 0, "TIME", "only those seen since, ISO 8601, or so long ago, as in 10m"},
	{"sort", 0, "KEY", "lastSeen, firstSeen, signal, name or packets; - before it: falling"},
	{"source", 0, "auto|kismet|csv", "whose; auto: what is up"},
};
constexpr Option alert_options[] = {
	{"limit", 'n', "N", "at most so many, 1 to 1000 (50)"},
	{"search", 's', "TEXT", "only those with this in them"},
	{"since", 0, "TIME", "only those since, ISO 8601, or so long ago, as in 10m"},
};
constexpr Option start_options[] = {{"wait", 0, "ready|started", "come back then; ready where it is left out"}};
constexpr Option stop_options[] = {{"force", 0, nullptr, "kill at once, without the time to end by itself"}};
constexpr Option log_options[] = {
	{"follow", 'f', nullptr, "go on, and show lines as they come"}, {"lines", 'n', "N", "begin with so many of the last ones (100)"}};
constexpr Option acquire_options[] = {
	{"owner", 'o', "NAME", "who takes it (user@host)"},
	{"mode", 'm', "monitor|managed", "without it, it stays as it is"},
	{"channel", 'c', "N", "the channel or the frequency in MHz, in monitor mode"},
	{"ttl", 0, "TIME", "give it back after that, as in 10m"},
	{"pid", 'p', "PID", "give it back when this process ends"},
};
constexpr Option release_options[] = {{"owner", 'o', "NAME", "who gives it back (user@host)"}};
constexpr Option lock_options[] = {
	{"owner", 'o', "NAME", "who takes it (user@host:PID)"},
	{"wait", 'w', "TIME", "wait so long for it (30s); 0s: not at all"},
	{"strict", 0, nullptr, "end the command where the lock is lost under it"},
	{"quiet", 'q', nullptr, "say nothing while waiting"},
};
constexpr Option recovery_options[] = {{"all", 'a', nullptr, "those that are over as well"}};
constexpr Option watch_options[] = {{"count", 'n', "N", "end after so many values"}, {"changes", 0, nullptr, "without the values that are there already"}};
constexpr Option doctor_options[] = {
	{"config", 0, "FILE", "the configuration to look at, instead of the installed one", Words::files},
	{"offline", 0, nullptr, "look at the machine alone, ask no daemon"},
};
constexpr Option config_options[] = {{"config", 0, "FILE", "the file to check, where none is named behind check", Words::files}};

constexpr Command commands[] = {
	{"status", "", "what runs, what is wrong, what to do", &status, 0, 0, Words::none},
	{"gps", "[--watch]", "position, satellites and receivers", &gps, 0, 0, Words::none, watch_option},
	{"devices", "[--limit N] [--type TYPE] [--search TEXT] [--since TIME] [--sort KEY]", "what is in the air", &devices, 0, 0, Words::none, list_options},
	{"alerts", "[--limit N] [--search TEXT] [--since TIME]", "what Kismet warns of", &alerts, 0, 0, Words::none, alert_options},
	{"ps", "[NAME]…", "processes and their states", &ps, 0, any_number, Words::processes},
	{"start", "NAME… [--wait ready|started]", "start processes or groups, and what they require", &start, 1, any_number, Words::processes, start_options},
	{"stop", "NAME… [--force]", "stop processes or groups, whole", &stop, 1, any_number, Words::processes, stop_options},
	{"restart", "NAME… [--wait ready|started]", "stop and start processes or groups", &restart, 1, any_number, Words::processes, start_options},
	{"logs", "[-f] [-n N] [NAME]", "what a process says; without a name, what the daemon says", &logs, 0, 1, Words::logs, log_options},
	{"interfaces", "[NAME]…", "network interfaces and who has them", &interfaces, 0, any_number, Words::interfaces},
	{"acquire", "INTERFACE [--mode monitor|managed] [--channel N] [--owner NAME] [--ttl TIME] [--pid PID]", "take an interface", &acquire, 1, 1,
		Words::interfaces, acquire_options},
	{"release", "INTERFACE [--owner NAME]", "give an interface back", &release, 1, 1, Words::interfaces, release_options},
	{"lock", "[--wait TIME] [--owner NAME] [--strict] NAME -- COMMAND [ARGUMENT]…", "run a command while holding a lock; its exit status is the command's",
		&lock, 2, 10000, Words::locks, lock_options, true},
	{"locks", "", "who holds what, and who waits", &locks, 0, 0, Words::none},
	{"ports", "", "who should listen where, and who does", &ports, 0, 0, Words::none},
	{"recovery", "[--all]", "what went bad and what was done about it", &recovery, 0, 0, Words::none, recovery_options},
	{"plugins", "[NAME]…", "plugins and their states", &plugins, 0, any_number, Words::plugins},
	{"enable", "PLUGIN…", "switch plugins on, and keep them on", &enable, 1, any_number, Words::plugins},
	{"disable", "PLUGIN…", "switch plugins off, and keep them off", &disable, 1, any_number, Words::plugins},
	{"reload", "PLUGIN…", "load plugins' files again, in place", &reload, 1, any_number, Words::plugins},
	{"topics", "[TOPIC]…", "what is known: all topics, or the values of some", &topics, 0, any_number, Words::topics},
	{"watch", "PATTERN… [--count N] [--changes]", "topics as they change; gps/*, ** for all", &watch, 1, 64, Words::topics, watch_options},
	{"methods", "[METHOD]…", "what can be called, and with which parameters", &methods, 0, any_number, Words::methods},
	{"call", "METHOD [KEY=VALUE]…", "call a method; a value is of the type that the method declares", &call, 1, any_number, Words::methods},
	{"config", "check [FILE] | show [KEY] | diff", "check a configuration; show what is in force; what differs from the defaults", &config, 1, 2, Words::config,
		config_options},
	{"doctor", "[--offline] [--config FILE]", "look for what usually goes wrong, and say what mends it", &doctor, 0, 0, Words::none, doctor_options},
	{"version", "", "the versions of this tool and of the daemon", &version, 0, 0, Words::none},
	{"help", "[COMMAND]", "say how a command is used", &help, 0, 1, Words::commands},
	{"__complete", "-- WORD…", "what the last word can be completed with", &complete, 0, any_number, Words::none, {}, true},
};

} // namespace

std::span<const Command> all_commands() { return commands; }
std::span<const Option> common_options() { return common; }

const Command *find_command(std::string_view name)
{
	const auto found = std::ranges::find_if(commands, [&](const Command &c) { return name == c.name; });
	return found == std::end(commands) ? nullptr : &*found;
}

int help(Context &context, const Arguments &arguments)
{
	const Command *about = arguments.words.empty() ? nullptr : find_command(arguments.words[0]);
	if (!arguments.words.empty() && !about) throw Failure(bad_usage, fmt::format("no command {}; patchbayctl help lists them", harmless(arguments.words[0])));
	print_help(context.out, about);
	return done;
}

int version(Context &context, const Arguments &)
{
	std::string theirs = "not reachable";
	try {
		const pb::Json plugins = context.client().json("plugins", Seconds(3));
		theirs = pb::text_at(pb::at(plugins.get(), "daemon"), "version", "older than 0.1.0");
	} catch (const Failure &) { // its own version is told all the same
	}
	if (context.wants_json) {
		context.out.json(pb::Json{{"patchbayctl", PATCHBAY_VERSION}, {"patchbayd", theirs == "not reachable" ? pb::Json(nullptr) : pb::Json(theirs)}}.text());
		return done;
	}
	print_version(context.out);
	context.out.line(fmt::format("patchbayd {}", harmless(theirs)));
	return done;
}

} // namespace ctl
