// Whom to ask, and with which token: from the options, else from the environment, else what is usual.
#pragma once
#include "command.hpp"
#include "http/client.hpp"

namespace ctl {

/// Throws Failure(bad_usage).
[[nodiscard]] Access access_of(const Arguments &arguments);

} // namespace ctl
