// Another program, run to its end without a shell.
#pragma once
#include <string>
#include <vector>

namespace ctl {

/// The folder of this executable; empty where that cannot be known.
[[nodiscard]] std::string own_folder();
/// patchbayd: PATCHBAYD from the environment, else beside this executable, else by PATH.
[[nodiscard]] std::string daemon_path();
/// Its exit status; 128 + n where signal n ended it. Throws Failure where it cannot be run. Its output goes where ours goes, or
/// into `said`, both streams, up to 64 KiB; then it has 20 s.
[[nodiscard]] int run_program(const std::vector<std::string> &command, std::string *said = nullptr);

} // namespace ctl
