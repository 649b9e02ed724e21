#include "command_line.hpp"
#include "failure.hpp"

#include <CppUTest/TestHarness.h>

#include <algorithm>
#include <iterator>

// A table of its own in place of the real one.
namespace ctl {
namespace {
constexpr Option common[] = {{"json", 0, nullptr, ""}, {"host", 0, "WHERE", ""}, {"help", 'h', nullptr, ""}};
constexpr Option own[] = {{"lines", 'n', "N", ""}, {"follow", 'f', nullptr, ""}};
constexpr Command commands[] = {{"logs", "[NAME]", "", nullptr, 0, 1, Words::none, own},
	{"lock", "NAME -- COMMAND", "", nullptr, 2, 100, Words::none, own, true}, {"start", "NAME…", "", nullptr, 1, 2, Words::none}};
} // namespace
std::span<const Command> all_commands() { return commands; }
std::span<const Option> common_options() { return common; }
const Command *find_command(std::string_view name)
{
	const auto i = std::ranges::find_if(commands, [&](const Command &c) { return name == c.name; });
	return i == std::end(commands) ? nullptr : &*i;
}
} // namespace ctl

TEST_GROUP(command_line){/// "command word word --option=value": options in the order of their names; "refused: why".
	static std::string of(std::vector<std::string> words){words.insert(words.begin(), "patchbayctl");
std::vector<char *> argv;
for (std::string &w : words) argv.push_back(w.data());
argv.push_back(nullptr);
try {
	const ctl::CommandLine line = ctl::parse_command_line(static_cast<int>(words.size()), argv.data());
	std::string out = line.command ? line.command->name : "none";
	for (const std::string &w : line.arguments.words) out += " " + w;
	for (const auto &[name, value] : line.arguments.options) out += " --" + name + "=" + value;
	return out;
} catch (const ctl::Failure &f) {
	return "refused: " + f.text.substr(0, f.text.find('\n'));
}
}
}
;

TEST(command_line, options_stand_before_and_behind_the_command)
{
	STRCMP_EQUAL("logs a --follow= --json= --lines=5", of({"--json", "logs", "-f", "a", "-n", "5"}).c_str());
	STRCMP_EQUAL("logs a --host=x --lines=5", of({"--host=x", "logs", "a", "--lines=5"}).c_str());
	STRCMP_EQUAL("logs -x", of({"logs", "--", "-x"}).c_str());
	STRCMP_EQUAL("none", of({}).c_str());
}

TEST(command_line, what_belongs_to_another_program_is_left_to_it)
{
	STRCMP_EQUAL("lock n -- ls -f --json", of({"lock", "n", "--", "ls", "-f", "--json"}).c_str());
	STRCMP_EQUAL("lock n ls -f", of({"lock", "n", "ls", "-f"}).c_str());
	STRCMP_EQUAL("lock n ls -f --lines=5", of({"lock", "n", "-n", "5", "--", "ls", "-f"}).c_str());
	STRCMP_EQUAL("lock n ls --follow= --json=", of({"--json", "lock", "-f", "n", "ls"}).c_str());
}

TEST(command_line, what_is_wrong_is_named)
{
	STRCMP_EQUAL("refused: no command strat; did you mean start?", of({"strat"}).c_str());
	STRCMP_EQUAL("refused: unknown option --bogus", of({"logs", "--bogus"}).c_str());
	STRCMP_EQUAL("refused: unknown option -z", of({"logs", "-z"}).c_str());
	STRCMP_EQUAL("refused: --lines needs a value", of({"logs", "--lines"}).c_str());
	STRCMP_EQUAL("refused: start needs an argument", of({"start"}).c_str());
	STRCMP_EQUAL("refused: unexpected argument c", of({"start", "a", "b", "c"}).c_str());
	STRCMP_EQUAL("start --help=", of({"start", "--help"}).c_str());
}
