// What the WebSocket's clients are sent, as text and as frames.
#pragma once
#include <patchbay/json.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace webhook {

/// `{"type":NAME,"event":NAME,…data's members…,"data":data,"timestamp":t}`: both generations of clients find what they read. A
/// member of data that is itself called type, event or data stands under `data` alone.
[[nodiscard]] std::string message_text(std::string_view name, const json_t *data);

/// A message framed once, for all its clients.
using Frame = std::shared_ptr<const std::string>; // shared: by all who still wait for it
[[nodiscard]] Frame frame_of(std::string_view text);

} // namespace webhook
