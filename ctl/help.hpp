// What `help`, --help and --version print, from the table of commands.
#pragma once
#include "command.hpp"
#include "terminal/output.hpp"

namespace ctl {

void print_version(Output &out);
/// Of one command; nullptr: the list of all.
void print_help(Output &out, const Command *command);

} // namespace ctl
