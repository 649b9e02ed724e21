// [plugins.webhook] in patchbay.toml.
#pragma once
#include <patchbay/fields.hpp>

#include <string>
#include <vector>

namespace webhook {

struct Settings {
	std::string config_dir;
	std::vector<std::string> legacy_listen;
	std::vector<std::string> wigle_directories;
	static constexpr auto fields = pb::fields(pb::field("config_dir", &Settings::config_dir,
												  {.fallback = "\"/home/pi/.kismet\"",
													  .min = 1,
													  .max = 4096,
													  .help = "the folder of Kismet's configuration: options.config of run-script lies in it"}),
		pb::field("wigle_directories", &Settings::wigle_directories,
			{.fallback = "[\"/home/pi/kismet_ops\"]", .max = 64, .help = "folders that list_wigle_files may list; the first where it is asked for none"}),
		pb::field("legacy_listen", &Settings::legacy_listen,
			{.fallback = "[]", .max = 8, .help = "further addresses, for clients of an older service: \"127.0.0.1:5000\""}));
};

} // namespace webhook
