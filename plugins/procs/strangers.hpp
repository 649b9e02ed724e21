// Processes that somebody else has started: found by an `adopt` rule. On a worker.
#pragma once
#include "identity.hpp"
#include "settings.hpp"

namespace procs {

/// Whether a command line ("a\0b\0") and an executable are what the rule names.
[[nodiscard]] bool is_match(const Adopt &rule, std::string_view executable, std::string_view command_line);
/// The oldest process that the rule names and that is not below one of `kept`; of a family of matches the top.
[[nodiscard]] Identity find_stranger(const Adopt &rule, const std::vector<pid_t> &kept);

} // namespace procs
