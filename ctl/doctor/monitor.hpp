// Whether an interface can be switched to monitor mode, by nl80211.
#pragma once
#include <optional>
#include <string>

namespace ctl {

/// Nothing where it is not wireless, or nl80211 does not answer.
[[nodiscard]] std::optional<bool> can_monitor(unsigned interface_index);

} // namespace ctl
