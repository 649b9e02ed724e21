#include "command_line.hpp"
#include "failure.hpp"
#include "fields/check.hpp"

#include "terminal/text.hpp"

#include <fmt/format.h>

#include <getopt.h>

namespace ctl {

namespace {

constexpr int first_code = 1000; // above every letter

/// getopt's two descriptions of the same options.
struct Getopt {
	Getopt(const std::vector<Option> &options_, bool stops) : options(options_), letters(stops ? "+:" : ":")
	{
		int code = first_code;
		for (const Option &o : options) {
			longs.push_back({o.name, o.value ? required_argument : no_argument, nullptr, code++});
			if (o.letter == 0) continue;
			letters += o.letter;
			if (o.value) letters += ':';
		}
		longs.push_back({nullptr, 0, nullptr, 0});
	}
	[[nodiscard]] const Option *find(int code) const
	{
		if (code >= first_code) return &options[static_cast<std::size_t>(code - first_code)];
		for (const Option &o : options)
			if (o.letter == code) return &o;
		return nullptr;
	}
	const std::vector<Option> &options;
	std::string letters;
	std::vector<option> longs;
};

[[noreturn]] void refuse(const Command *command, const std::string &why)
{
	std::string text = why;
	if (command) text += fmt::format("\nusage: patchbayctl {} {}", command->name, command->arguments);
	else text += "\nusage: patchbayctl [OPTION]… COMMAND [ARGUMENT]…; patchbayctl help lists the commands";
	throw Failure(bad_usage, text);
}

/// Takes options off argv from getopt's place on, up to the first word where `stops`.
void take_options(int argc, char **argv, const std::vector<Option> &known, bool stops, const Command *command, Arguments &into)
{
	const Getopt g(known, stops);
	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, g.letters.c_str(), g.longs.data(), nullptr)) != -1;) {
		if (c == ':') refuse(command, fmt::format("{} needs a value", harmless(argv[optind - 1])));
		const Option *o = c == '?' ? nullptr : g.find(c);
		if (!o)
			refuse(command, fmt::format("unknown option {}",
								optopt != 0 && optopt < first_code ? fmt::format("-{}", static_cast<char>(optopt)) : harmless(argv[optind - 1])));
		into.options[o->name] = o->value ? optarg : "";
	}
}

const Command &command_called(std::string_view name)
{
	if (const Command *found = find_command(name)) return *found;
	std::vector<std::string_view> names;
	for (const Command &c : all_commands()) names.emplace_back(c.name);
	const std::string near = core::fields::nearest(name, names);
	refuse(nullptr, near.empty() ? fmt::format("no command {}", harmless(name)) : fmt::format("no command {}; did you mean {}?", harmless(name), near));
}

bool is_option(std::string_view word) noexcept { return word.size() > 1 && word[0] == '-' && word != "--"; }

} // namespace

CommandLine parse_command_line(int argc, char **argv)
{
	CommandLine line;
	std::vector<Option> options(common_options().begin(), common_options().end());
	optind = 0; // both times anew
	take_options(argc, argv, options, true, nullptr, line.arguments);
	if (optind >= argc) return line;
	line.command = &command_called(argv[optind]);
	const int first = optind;
	options.insert(options.begin(), line.command->options.begin(), line.command->options.end());
	optind = 0;
	take_options(argc - first, argv + first, options, line.command->ends_options, line.command, line.arguments);
	auto &words = line.arguments.words;
	int next = first + optind;
	if (const bool has_more = line.command->least > 0 && next + 1 < argc; line.command->ends_options && has_more && is_option(argv[next + 1])) {
		words.emplace_back(argv[next]); // lock NAME --wait 5s -- COMMAND
		optind = 0;
		take_options(argc - next, argv + next, options, true, line.command, line.arguments);
		next += optind;
	}
	for (int i = next; i < argc; ++i) words.emplace_back(argv[i]);
	if (line.arguments.has("help")) return line;
	if (words.size() < line.command->least)
		refuse(line.command, fmt::format("{} needs {}", line.command->name, words.empty() ? "an argument" : "more arguments"));
	if (words.size() > line.command->most) refuse(line.command, fmt::format("unexpected argument {}", harmless(words[line.command->most])));
	return line;
}

} // namespace ctl
