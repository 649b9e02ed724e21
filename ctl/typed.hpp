// A value from a command line as JSON, of the type that a method declares for it.
#pragma once
#include <patchbay/json.hpp>

#include <string>
#include <string_view>

namespace ctl {

/// `type` as GET methods has it: "integer", "list of string", "map of table", "string or table", … Lists are "a,b" or JSON,
/// tables and maps JSON, "any" JSON where it is some, else text. Throws Failure(bad_usage), which names `key`.
[[nodiscard]] pb::Json typed(std::string_view key, std::string_view type, std::string_view text);

} // namespace ctl
