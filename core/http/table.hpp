// The border's functions for HTTP.
#pragma once
#include <patchbay/http.h>

namespace core::http {

class FurtherListeners;
class Router;
class StaticFiles;

extern const pb_http border_table;
/// Where add_route of this thread puts its routes: the border's functions are given no server.
void set_border_router(Router *router) noexcept;
/// Whom add_files means.
void set_border_files(StaticFiles *files) noexcept;
/// Whom add_listener means.
void set_border_listeners(FurtherListeners *listeners) noexcept;

} // namespace core::http
