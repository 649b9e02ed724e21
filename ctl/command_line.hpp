// The command line: options before and behind the command, checked against the command's row.
#pragma once
#include "command.hpp"

namespace ctl {

struct CommandLine {
	const Command *command = nullptr; // nullptr: none was named
	Arguments arguments;              // with the common options, wherever they stood
};

/// Throws Failure(bad_usage), which says what is wrong and how the command is called.
[[nodiscard]] CommandLine parse_command_line(int argc, char **argv);

} // namespace ctl
