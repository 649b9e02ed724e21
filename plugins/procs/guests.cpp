// Guests: commands that the configuration of procs does not have, run since another plugin's settings allow them. They are
// processes like all others, and outlive the daemon like them.
#include "coordinator.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace procs {

namespace {
constexpr std::size_t most_guests = 64;

/// As a process whose table has a command alone.
ProcessSettings settings_of(std::vector<std::string> command)
{
	ProcessSettings s{};
	s.command = std::move(command);
	s.directory = "/";
	s.umask = "022";
	s.io_level = 4;
	s.stop_signal = "SIGTERM";
	s.stop_timeout = 15s;
	s.restart = "no";
	s.restart_delay = 1s;
	s.restart_delay_max = 1min;
	s.restart_window = 10min;
	s.restart_limit = 5;
	s.log_size = 1 << 20;
	s.log_files = 3;
	s.on_exit = "stop";
	s.on_demand = true;
	return s;
}

bool is_name(std::string_view s) noexcept
{
	const auto is_good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'; };
	return !s.empty() && s.size() <= 64 && s != "summary" && s.front() != '.' && std::ranges::all_of(s, is_good);
}
} // namespace

void Coordinator::invite(const std::string &name, std::vector<std::string> command)
{
	if (!is_name(name))
		throw pb::Error(
			400, "VALIDATION_ERROR", fmt::format("\"{}\" cannot be a process's name: letters, digits, _ - . and at most 64 of them", pb::utf8(name)));
	if (command.empty() || !command.front().starts_with('/')) throw pb::Error(400, "VALIDATION_ERROR", "command: needs a program by its absolute path");
	const auto known = guests.find(name);
	if (known != guests.end()) {
		if (at(name).is_resting()) known->second.command = std::move(command);
		return;
	}
	if (processes.contains(name) || context.settings.group.contains(name))
		throw pb::Error(409, "CONFLICT", fmt::format("{} is a process of [plugins.procs] already", name));
	if (guests.size() >= most_guests) throw pb::Error(507, "", fmt::format("{} guests are known already", most_guests));
	if (!lock) hold_folder();
	const ProcessSettings &settings = guests.emplace(name, settings_of(std::move(command))).first->second;
	ProcessOwner &self = *this;
	edges[name] = {};
	Process &p = *processes.emplace(name, std::make_unique<Process>(context, name, settings, self)).first->second;
	pid_files.add(name, {fmt::format("{}/{}.pid", context.paths.pid_dir, name)});
	observer.on_guest(p);
}

/// Those that a former daemon has left running are known again; the others are forgotten.
void Coordinator::restore_guests()
{
	const char *key = nullptr;
	json_t *document = nullptr;
	json_object_foreach(documents.get(), key, document) {
		const json_t *command = pb::at(document, "command");
		const std::string name = std::string_view(key).starts_with("process/") ? key + 8 : "";
		if (!json_is_array(command) || name.empty() || processes.contains(name)) continue;
		const bool is_left = std::ranges::any_of(*found, [&](const FoundKeeper &k) { return k.name == name; });
		if (!is_left) {
			context.scope.remove(key);
			continue;
		}
		std::vector<std::string> words;
		std::size_t i;
		json_t *word;
		json_array_foreach(const_cast<json_t *>(command), i, word) words.emplace_back(pb::text_of(word));
		try {
			invite(name, std::move(words));
		} catch (const pb::Error &e) { // then it is stopped, as what the configuration has no more
			context.scope.warn("a guest of the former daemon is not taken over", {{"process", name}, {"reason", e.what()}});
		}
	}
}

} // namespace procs
