// A process as people and programs see it: the E of GET procs, and the value of procs/NAME.
#pragma once
#include "process.hpp"

namespace procs {

[[nodiscard]] pb::Json entry_of(const Process &process);
/// A group: its members, and what they come to together.
[[nodiscard]] pb::Json group_entry(const std::string &name, const std::vector<const Process *> &members);
/// {"total","ready","running","failed",…,"processes":[{"name","state","pid"}]}
[[nodiscard]] pb::Json summary_of(const std::map<std::string, std::unique_ptr<Process>> &processes);

} // namespace procs
