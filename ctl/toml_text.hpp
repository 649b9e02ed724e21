// JSON as TOML, for settings that people read.
#pragma once
#include <patchbay/json.hpp>

#include <string>

namespace ctl {

/// `value` under `path` ("" for the whole): tables as [a.b], what is null as a comment. The text is harmless.
[[nodiscard]] std::string toml_text(const json_t *value, const std::string &path);

} // namespace ctl
