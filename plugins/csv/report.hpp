// What people are shown of the logs: `GET csv` and the topic `csv/file`.
#pragma once
#include "csv/follower.hpp"

namespace csv {

/// The entry of `GET csv`: path, format, size, offset, rows, rejected, lag_ms, and more.
[[nodiscard]] pb::Json entry_json(const FileReport &file, std::int64_t now_ms);
/// The value of csv/file; file: nullptr where none is followed, for the reason `trouble`.
[[nodiscard]] pb::Json topic_json(const FileReport *file, const std::string &trouble, std::int64_t now_ms);

} // namespace csv
