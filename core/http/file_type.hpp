// What a file's name says about its content.
#pragma once
#include <string_view>

namespace core::http {

/// The Content-Type for a name's extension, any case; application/octet-stream for what is not known.
[[nodiscard]] const char *type_of(std::string_view name) noexcept;

} // namespace core::http
