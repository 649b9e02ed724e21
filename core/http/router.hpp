// Which route a path and a method mean. Routes come and go with their plugins.
#pragma once
#include "http/request.hpp"

#include <memory>
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
	const char *produces = nullptr; // application/json
};

/// What a walk has found.
struct Match {
	RouteItem *route = nullptr; // null: see allow
	std::string allow{};        // the path is known, the method is not: "GET, HEAD, OPTIONS"; empty: the path is not known
};

/// All routes. Loop thread. A fixed part wins over {name}, that over {rest…}, part by part; the path decides before the method.
class Router final {
public:
	explicit Router(Engine &engine);
	~Router();
	Router(const Router &) = delete;
	Router &operator=(const Router &) = delete;

	/// 400 for a bad pattern, 409 where another plugin has it. Freed with its scope.
	Result<RouteItem *> add(Scope &scope, const pb_route &route);
	Result<RouteItem *> add(Scope &scope, const CoreRoute &route);
	/// path and parts as decode_path gives them. parts may be empty for a plain path: they are found when they are needed.
	/// values: of the route's variables, in its template's order; views into path.
	[[nodiscard]] Match find(std::string_view path, std::vector<Part> &parts, std::string_view method, std::vector<std::string_view> &values) const;
	/// Those that serve now, by path, for /openapi.json.
	[[nodiscard]] std::vector<const RouteItem *> all() const;
	std::uint64_t changes = 0; // routes that have come or gone

private:
	friend class RouteItem;
	struct Node;
	struct Hash {
		using is_transparent = void;
		std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
	};
	Node &node_of(std::string_view path); // made where it is missing
	[[nodiscard]] const Node *look_up(std::string_view path) const;
	void remove(RouteItem &route);
	static bool remove(Node &node, std::string_view path, RouteItem &route);
	Result<RouteItem *> add(Scope &scope, const pb_route &r, Bound<Request &, const json_t *> own);

	Engine &engine;
	std::unique_ptr<Node> root;
	std::unordered_map<std::string, Node *, Hash, std::equal_to<>> fixed; // paths without variables
};

} // namespace core::http
