// Small files, whole: read without following links or blocking, written by temporary file and rename. Blocks: for a worker.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netif {

/// Up to `most` bytes of a regular file that is not a symlink; nothing where there is none, it is larger or not readable.
[[nodiscard]] std::optional<std::string> read_file(const std::string &path, std::size_t most);
/// An entry of /proc, whose files have no size.
[[nodiscard]] std::string read_proc(const std::string &path, std::size_t most = 4096);

enum class Put { replace, create /* only where there is none: EEXIST */ };
/// 0 or -errno. Atomic either way, and of two that create one fails.
[[nodiscard]] int write_file(const std::string &path, std::string_view data, unsigned mode, Put how);

/// Names in a folder that end in `suffix`.
[[nodiscard]] std::vector<std::string> names_in(const std::string &folder, std::string_view suffix, std::size_t most);
/// The folder and those above it; 0 or -errno.
[[nodiscard]] int make_folder(const std::string &path);

[[nodiscard]] std::string boot_id();
/// "comm" of a process, "" where it is gone.
[[nodiscard]] std::string command_of(int pid);
/// When a process started, in clock ticks since boot; 0: gone, or a zombie. With the PID and the boot it is the process's identity.
[[nodiscard]] unsigned long long start_of(int pid);

} // namespace netif
