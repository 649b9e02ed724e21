// Why nobody answers: is the port closed, and is there a process of that name on this machine? All of it blocks; for a worker.
#pragma once
#include <string>

namespace kismet {

/// By the kernel's name or by the first argument's file name; the capture helpers (kismet_cap_*) do not count.
[[nodiscard]] bool has_process(const std::string &name);
/// errno of a connection to a literal address, 0 where it succeeds, ETIMEDOUT after two seconds.
[[nodiscard]] int try_to_connect(const std::string &address, unsigned short port);
/// Is this literal address one of this machine's?
[[nodiscard]] bool is_own_address(const std::string &address);

} // namespace kismet
