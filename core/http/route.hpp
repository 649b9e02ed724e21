// One route: what its plugin declared, and for a topic the bytes that are ready to go out.
#pragma once
#include "bus/topics.hpp"
#include "http/figures.hpp"
#include "http/request.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace core::http {

class Router;

/// Freed with its scope. Requests that are with it go on without it.
class RouteItem final : public pb_item {
public:
	enum class Target : std::uint8_t { handler, topic, method };

	RouteItem(Scope &scope, Engine &engine, const pb_route &r, std::string method, std::vector<std::string> paths, std::vector<std::string> variables);
	~RouteItem() override;

	Engine &engine;
	const std::string method;             // "GET"
	const std::string pattern;            // as declared: "GET procs/{name}"
	const std::vector<std::string> paths; // absolute templates; a relative pattern lies under two
	const std::string help;
	const std::uint32_t flags; // pb_route_flags
	const Target target;
	const std::string target_name; // of the topic or method
	const pb_field *const path, *const query, *const body;
	const int role;                           // as declared; see role_of
	const std::chrono::milliseconds deadline; // 0: the usual one
	const std::uint64_t max_body;             // 0: [http] max_body
	pb_request_fn *const on_request;
	void *const self;
	Bound<Request &, const json_t *> own_handler{}; // of the core's own routes, instead of on_request
	const std::vector<std::string> variables;       // names, in the template's order
	const std::string produces;                     // content types, with commas between
	RouteCount *count;                              // never null

	// A topic's reply, made once a change.
	ValueRef value;
	std::string etag, ready_lines;
};

} // namespace core::http
