// [plugins.webhook] in patchbay.toml.
#pragma once
#include "outgoing/settings.hpp"

#include <patchbay/fields.hpp>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace webhook {

using namespace std::chrono_literals;

struct Settings {
	std::string config_dir, state_file;
	std::vector<std::string> legacy_listen;
	std::vector<std::string> scripts, wigle_directories;
	std::map<std::string, std::string> aliases;
	std::chrono::milliseconds stop_patience;
	outgoing::Settings outgoing;
	static constexpr auto fields = pb::fields(pb::field("config_dir", &Settings::config_dir,
												  {.fallback = "\"/home/pi/.kismet\"",
													  .min = 1,
													  .max = 4096,
													  .help = "the folder of Kismet's configuration: options.config of run-script lies in it"}),
		pb::field("state_file", &Settings::state_file,
			{.fallback = "\"/tmp/webhook-state.json\"", .max = 4096, .help = "what older tools read of processes, interfaces and services; empty: none"}),
		pb::field("scripts", &Settings::scripts, {.fallback = "[]", .max = 64, .help = "files that /api/start-script may run, by their absolute paths"}),
		pb::field("wigle_directories", &Settings::wigle_directories,
			{.fallback = "[\"/home/pi/kismet_ops\"]", .max = 64, .help = "folders that list_wigle_files may list; the first where it is asked for none"}),
		pb::field("aliases", &Settings::aliases,
			{.fallback = R"({ "gps_kismet_wigle.sh" = "both", "gps_kismet_wigle" = "both", "start_kismet.sh" = "kismet" })",
				.max = 64,
				.help = "what older callers of /run-script and /stop-script call a script"}),
		pb::field("stop_patience", &Settings::stop_patience,
			{.fallback = "25s", .min = 100ms, .max = 10min, .help = "past it /stop-script answers 504 while the stop goes on"}),
		pb::field("legacy_listen", &Settings::legacy_listen,
			{.fallback = "[]", .max = 8, .help = "further addresses, for clients of an older service: \"127.0.0.1:5000\""}),
		pb::field("outgoing", &Settings::outgoing, {.fallback = "{}", .help = "outgoing webhooks"}));
};

} // namespace webhook
