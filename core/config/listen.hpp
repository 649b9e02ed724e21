// What may stand in [http] listen and behind --listen.
#pragma once
#include <string>
#include <string_view>

namespace core::config {

/// What is wrong with "127.0.0.1:8092", "[::1]:8092", "unix:/run/patchbay/http.sock"; empty: nothing. Names are not looked up.
[[nodiscard]] std::string listen_flaw(std::string_view text);

} // namespace core::config
