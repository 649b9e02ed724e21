#include "message.hpp"

#include "text.hpp"

#include <patchbay/websocket.hpp>

namespace webhook {

std::string message_text(std::string_view name, const json_t *data)
{
	pb::Json out{{"type", name}, {"event", name}};
	json_object_update_missing(out.get(), const_cast<json_t *>(data));
	const json_t *own = pb::at(data, "timestamp");
	out.set("data", data ? pb::Json::share(data) : pb::Json::object());
	out.set("timestamp", json_is_string(own) ? pb::Json::share(own) : pb::Json(iso_now()));
	return out.text();
}

Frame frame_of(std::string_view text)
{
	std::string out;
	out.reserve(text.size() + 10);
	pb::WebSocket::append_frame(out, pb::WebSocket::text, text);
	return std::make_shared<const std::string>(std::move(out));
}

} // namespace webhook
