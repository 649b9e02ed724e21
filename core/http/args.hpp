// A request's path, query and body as one checked object.
#pragma once
#include "bus/methods.hpp"
#include "http/request.hpp"
#include "http/route.hpp"

namespace core::http {

/// By the route's tables. Where names meet, the path wins over the query, and that over the body.
[[nodiscard]] Result<pb::Json> args_for_handler(const Request &r, const RouteItem &route);
/// As the method wants them, which checks them itself. method: null where there is none; then they stay text.
[[nodiscard]] Result<pb::Json> args_for_method(const Request &r, const RouteItem &route, const MethodItem *method);

/// A JSON body: null where it is empty; 415, or 400 INVALID_JSON with the byte offset.
[[nodiscard]] Result<pb::Json> parse_body(const Request &r);

} // namespace core::http
