// The border's functions for HTTP.
#pragma once
#include <patchbay/http.h>

namespace core::http {

class Router;

extern const pb_http border_table;
/// Where add_route of this thread puts its routes: the border's functions are given no server.
void set_border_router(Router *router) noexcept;

} // namespace core::http
