// Who can reach the listeners, and whether the settings say that they may.
#pragma once
#include "config/config.hpp"
#include "result.hpp"

#include <string>
#include <vector>

namespace core::http {

/// Whether others than this machine can reach a listener.
[[nodiscard]] bool is_exposed(const std::string &listener);
/// Beyond loopback the file must say who may come in: an error for listeners that are neither loopback nor Unix sockets
/// while [auth] mode is not written. A part of the configuration's check.
[[nodiscard]] Result<void> check_exposure(const config::Core &core);
/// What GET health repeats where such a listener, also one of `further`, runs with mode "none"; else empty.
[[nodiscard]] std::string exposure_warning(const config::Core &core, const std::vector<std::string> &further = {});

} // namespace core::http
