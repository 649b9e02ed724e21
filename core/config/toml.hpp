// TOML text as JSON, with the place of every key. The only file that knows the library (its header is compiled here alone).
#pragma once
#include "config/config.hpp"

namespace core::config {

struct Parsed {
	pb::Json table;
	std::map<std::string, Place> places;
};

/// Dates and times become text. Refused with their place: what TOML refuses, nan and inf, NUL in a key, more than 32 tables
/// and lists in each other. `file` is what the places name.
[[nodiscard]] tl::expected<Parsed, std::vector<Problem>> parse_toml(std::string_view text, const std::string &file);

} // namespace core::config
