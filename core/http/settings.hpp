// What is wrong with [http] and [auth] beyond types and limits: for --check, for the start, and before new settings are taken.
#pragma once
#include "config/config.hpp"
#include "result.hpp"

#include <vector>

namespace core::http {

/// All that is wrong; empty: fine. Looks at the settings alone, opens nothing.
[[nodiscard]] std::vector<Error> check_settings(const config::Core &core);

/// Beyond loopback the file must say who may come in: an error for listeners that are neither loopback nor Unix sockets
/// while [auth] mode is not written. Part of check_settings.
[[nodiscard]] Result<void> check_exposure(const config::Core &core);
/// What GET health repeats where such a listener runs with mode "none"; else empty.
[[nodiscard]] std::string exposure_warning(const config::Core &core);

} // namespace core::http
