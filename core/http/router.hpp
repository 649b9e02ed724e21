// Which route a path and a method mean. Routes come and go with their plugins.
#pragma once
#include "http/request.hpp"

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace core::http {

/// A route of the core's own, whose handler takes the request itself.
struct CoreRoute {
	const char *pattern, *help;
	Bound<Request &, const json_t *> on_request;
	int role = PB_ROLE_DEFAULT;
	std::uint32_t flags = 0; // pb_route_flags
	const pb_field *path = nullptr, *query = nullptr, *body = nullptr;
	std::int64_t deadline_ms = 0;
	std::uint64_t max_body = 0;
};

class Router;

/// What one segment-by-segment walk has found. Values are decoded, in the template's order.
struct Match {
	RouteItem *route = nullptr; // null: see is_known
	bool is_known = false;      // the path is known, the method is not: `allow`
	std::string allow;          // "GET, HEAD, OPTIONS"
};

/// All routes. Loop thread.
class Router final {
public:
	Router();
	~Router();
	Router(const Router &) = delete;
	Router &operator=(const Router &) = delete;

	/// 400 for a bad pattern, 409 where another plugin has it. Freed with its scope, or by drop().
	Result<RouteItem *> add(Scope &scope, const pb_route &route);
	Result<RouteItem *> add(Scope &scope, const CoreRoute &route);
	/// raw: the path as it was sent. vars: in the template's order.
	[[nodiscard]] Match find(std::string_view raw, Method method, std::string_view method_name, std::vector<std::pair<std::string, std::string>> &vars) const;
	/// All that serve now, for /openapi.json and metrics.
	[[nodiscard]] std::vector<const RouteItem *> all() const;

private:
	friend class RouteItem;
	struct Node;
	struct Stack { std::string method; std::vector<RouteItem *> items; }; // the last serves: two only while an instance is replaced
	std::unique_ptr<Node> root;
	std::unordered_map<std::string, Node *> fixed; // paths without variables, to their nodes
};

} // namespace core::http
