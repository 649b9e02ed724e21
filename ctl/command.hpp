// A command as one table row: usage, help, completion and the check of its arguments come from it.
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ctl {

class Context;

/// What a word can be completed with.
enum class Words { none, processes, plugins, topics, methods, interfaces, locks, logs, files, commands, config };

struct Option {
	const char *name;
	char letter;       // 0: none
	const char *value; // what stands for it in the usage; nullptr: a flag
	const char *help;
	Words words = Words::none;
};

/// What stood on the command line behind the command.
struct Arguments {
	std::vector<std::string> words;
	std::map<std::string, std::string, std::less<>> options; // by name; flags are there or not
	[[nodiscard]] bool has(std::string_view name) const { return options.contains(name); }
	[[nodiscard]] std::optional<std::string> get(std::string_view name) const
	{
		const auto i = options.find(name);
		return i == options.end() ? std::nullopt : std::optional(i->second);
	}
};

struct Command {
	const char *name;
	const char *arguments; // "NAME… [--wait ready|started]"
	const char *help;      // one line, as in a list
	int (*run)(Context &, const Arguments &);
	std::size_t least, most; // words
	Words words;             // what they are
	std::span<const Option> options{};
	bool ends_options = false; // the first word does: what follows is another program's
};

constexpr std::size_t any_number = 1000;

/// All of them, in the order of the help; defined in commands.cpp.
[[nodiscard]] std::span<const Command> all_commands();
[[nodiscard]] const Command *find_command(std::string_view name);
/// Options that every command takes.
[[nodiscard]] std::span<const Option> common_options();

} // namespace ctl
