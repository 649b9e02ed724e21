// Reads a plugin's descriptor out of its file, before any code of it runs.
#pragma once
#include "result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace core::host {

/// What stands in pb_plugin before `settings`.
struct Descriptor {
	std::string name, version;
	std::vector<std::string> needs;
	std::uint32_t flags = 0;
};

/// `file` is the whole file. Errors say what the file is instead of a plugin: text, another architecture, another ABI …
Result<Descriptor> read_descriptor(std::span<const std::byte> file);

} // namespace core::host
