// Who we are, where a lock or an interface needs an owner and none was named.
#pragma once
#include <string>

namespace ctl {

/// "user@host": the same for acquire and for release.
[[nodiscard]] std::string usual_owner();

} // namespace ctl
