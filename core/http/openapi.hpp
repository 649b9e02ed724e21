// GET /openapi.json: every route that serves now, from the tables that check its parameters.
#pragma once
#include "bus/methods.hpp"
#include "http/request.hpp"
#include "http/route.hpp"

#include <string>
#include <vector>

namespace core::http {

class Router;

/// The description (OpenAPI 3.1) as compact JSON.
[[nodiscard]] std::string describe_api(const std::vector<const RouteItem *> &routes, const Methods &methods);

/// The route. Describes anew only where routes or methods have come or gone. Loop thread.
class OpenApi final {
public:
	OpenApi(Router &router, const Methods &methods, Scope &scope);
	OpenApi(const OpenApi &) = delete;
	OpenApi &operator=(const OpenApi &) = delete;

private:
	void on_request(Request &request, const json_t *args) noexcept;
	Router &router;
	const Methods &methods;
	std::uint64_t routes_seen = 0, methods_seen = 0;
	std::string text, etag;
};

} // namespace core::http
