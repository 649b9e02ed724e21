// Text that strangers choose, made fit for a terminal: nothing in it moves the cursor, changes a colour, turns the direction
// of writing or hides, and its width is known.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace ctl {

/// One line of UTF-8: control characters as their pictures (␛), bidi marks, invisible and unassigned characters, and bytes that
/// are none as U+FFFD; a character keeps its first four combining marks.
[[nodiscard]] std::string harmless(std::string_view text);
/// The same for a line of a log: its colours (CSI … m) are left out, tabs become spaces.
[[nodiscard]] std::string harmless_line(std::string_view text);
/// JSON as it is, but for characters that a terminal acts on: these as \uXXXX, which is the same value.
[[nodiscard]] std::string harmless_json(std::string_view json);

/// Columns that harmless text takes.
[[nodiscard]] std::size_t width_of(std::string_view harmless_text);
/// At most `columns` wide; what was cut off is shown by "…".
[[nodiscard]] std::string cut_to(std::string_view harmless_text, std::size_t columns);

} // namespace ctl
