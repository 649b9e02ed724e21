// How a command ends: exit codes, and the one thing that is thrown.
#pragma once
#include <string>
#include <utility>

namespace ctl {

enum ExitCode { done = 0, not_done = 1, bad_usage = 2, unreachable = 3, refused = 4, not_executable = 126, not_found = 127 };

/// Ends the command with a message on stderr. main() alone catches it.
struct Failure {
	Failure(int exit_, std::string text_) : exit(exit_), text(std::move(text_)) {}
	int exit;
	std::string text;
};

} // namespace ctl
