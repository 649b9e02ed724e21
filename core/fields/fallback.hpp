// A field's fallback, which stands in its table as TOML text ("5s", "\"a\"", "[1, 2]", "{ a = 1 }"), as JSON.
#pragma once
#include <patchbay/json.hpp>
#include <patchbay/plugin.h>

namespace core::fields {

/// As somebody would have given it in JSON; empty where the text is no value. Small and by hand: it runs for every call
/// that leaves a member out, and a table's text goes with its plugin, so nothing is kept.
[[nodiscard]] pb::Json parse_fallback(const pb_field &field);

} // namespace core::fields
