// The end of a log: the last lines over the rotated files. Blocks on files: on a worker.
#pragma once
#include "log_line.hpp"

#include <string>
#include <vector>

namespace procs {

/// The last `count` lines as JSON objects, oldest first; at most 4 MiB of log are looked at. `position`: where the newest
/// file was read to, and which one that is, for who wants to follow it.
struct LogTail {
	std::vector<std::string> lines;
	std::uint64_t inode = 0, offset = 0;
};
[[nodiscard]] LogTail tail_of(const std::string &path, std::size_t count);

/// The texts of the last `count` lines since a time, joined by " | " and cut; stderr's alone where it said anything.
[[nodiscard]] std::string last_words(const std::string &path, std::int64_t since_ms, std::size_t count);

} // namespace procs
