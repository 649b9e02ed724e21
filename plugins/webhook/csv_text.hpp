// The contract's `data` as CSV (RFC 4180): a section a type.
#pragma once
#include <jansson.h>

#include <string>

namespace webhook {

/// Each section is a line with its name, a line with the columns, the rows, and an empty line before the next. Pure; any thread.
[[nodiscard]] std::string csv_text(const json_t *data);

} // namespace webhook
