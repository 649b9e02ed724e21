// The core's own tables: their fields, and what is checked beyond them.
#pragma once
#include "config/config.hpp"

namespace core::config {

/// Checks the merged `table` with `flags` over it and fills config's core and plugins. is_whole: all files could be read; else
/// what one of them might have said is not missed.
void apply(pb::Json &table, const Flags &flags, bool is_whole, Config &config, std::vector<Problem> &problems);
/// The place of a path, or of the nearest table around it.
[[nodiscard]] Place place_of(const Config &config, std::string path);

} // namespace core::config
