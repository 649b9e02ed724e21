// One file written at once. Blocks on the disk; any thread.
#pragma once
#include "result.hpp"

#include <string>
#include <string_view>

namespace core::files {

/// Temporary file in the same folder, rename; durable: fsync of the file before, of the folder after.
[[nodiscard]] Result<void> replace_now(const std::string &path, std::string_view data, std::uint32_t mode, bool is_durable = true);
/// One write(2) with O_APPEND; what was written of it is taken back where the disk is full.
[[nodiscard]] Result<void> append_now(const std::string &path, std::string_view data, std::uint32_t mode, bool is_durable = true);

} // namespace core::files
