#include "http/router.hpp"

#include "fields/check.hpp"
#include "http/engine.hpp"
#include "http/route.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>

namespace core::http {

namespace {
constexpr std::size_t longest_pattern = 512;

bool is_word(std::string_view text) noexcept
{
	return !text.empty() &&
		   std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
}

enum class Kind { fixed, begun, any, rest };

/// A template's part: the kind, and the variable's name or the text itself. begun: "wh_{id}", what stands before the variable
/// is in `part` then.
Kind kind_of(std::string_view &part, std::string_view &name) noexcept
{
	name = part;
	const std::size_t brace = part.find('{');
	if (part.size() < 2 || brace == std::string_view::npos || part.back() != '}') return Kind::fixed;
	if (brace > 0) {
		name = part.substr(brace + 1, part.size() - brace - 2);
		part = part.substr(0, brace);
		return Kind::begun;
	}
	name = part.substr(1, part.size() - 2);
	for (const std::string_view dots : {std::string_view("…"), std::string_view("...")})
		if (name.ends_with(dots)) {
			name.remove_suffix(dots.size());
			return Kind::rest;
		}
	return Kind::any;
}

std::string_view take_part(std::string_view &path) noexcept
{
	path.remove_prefix(1);
	const std::string_view part = path.substr(0, path.find('/'));
	path.remove_prefix(part.size());
	return part;
}

/// What is wrong with an absolute template; its variables' names.
std::string flaw_of_template(std::string_view path, std::vector<std::string> &variables)
{
	while (!path.empty()) {
		std::string_view name, part = take_part(path);
		switch (kind_of(part, name)) {
		case Kind::begun:
			if (part.find_first_of("}?#%\\ ") != std::string_view::npos || !is_header_value(part))
				return fmt::format("\"{}\" cannot be a part of a path", pb::utf8(part));
			break;
		case Kind::fixed:
			if (name == "." || name == ".." || name.find_first_of("{}?#%\\ ") != std::string_view::npos || !is_header_value(name))
				return fmt::format("\"{}\" cannot be a part of a path", pb::utf8(name));
			if (name.empty() && !path.empty()) return "it has an empty part";
			continue;
		case Kind::rest:
			if (!path.empty()) return fmt::format("{{{}…}} takes the rest of the path, so nothing can follow it", name);
			break;
		case Kind::any: break;
		}
		if (!is_word(name)) return fmt::format("\"{}\" is no name for a variable", pb::utf8(name));
		if (std::ranges::find(variables, name) != variables.end()) return fmt::format("variable {} stands there twice", name);
		variables.emplace_back(name);
	}
	return {};
}

pb_route from_border(const pb_route &given)
{
	pb_route out{};
	std::memcpy(&out, &given, std::min<std::size_t>(given.struct_size, sizeof out)); // an older plugin's ends earlier
	return out;
}
} // namespace

struct Router::Node {
	struct Stack {
		std::string method;
		std::vector<RouteItem *> items; // the last serves: two only while an instance is replaced
	};
	std::map<std::string, std::unique_ptr<Node>, std::less<>> children, begun; // begun: by what stands before the variable
	std::unique_ptr<Node> any, rest;
	std::vector<Stack> stacks;

	[[nodiscard]] bool is_empty() const noexcept { return children.empty() && begun.empty() && !any && !rest && stacks.empty(); }
	[[nodiscard]] RouteItem *serving(std::string_view method) const noexcept
	{
		for (const Stack &s : stacks)
			if (s.method == method) return s.items.back();
		return nullptr;
	}
	/// The node that has the path, and the values on the way.
	[[nodiscard]] const Node *walk(std::string_view path, const std::vector<Part> &parts, std::size_t at, std::vector<std::string_view> &values) const
	{
		if (at == parts.size()) return stacks.empty() ? nullptr : this;
		const std::string_view part = path.substr(parts[at].at, parts[at].size);
		if (const auto i = children.find(part); i != children.end())
			if (const Node *n = i->second->walk(path, parts, at + 1, values)) return n;
		for (const auto &[beginning, next] : begun) {
			if (part.size() <= beginning.size() || !part.starts_with(beginning)) continue;
			values.push_back(part.substr(beginning.size()));
			if (const Node *n = next->walk(path, parts, at + 1, values)) return n;
			values.pop_back();
		}
		if (any && !part.empty()) {
			values.push_back(part);
			if (const Node *n = any->walk(path, parts, at + 1, values)) return n;
			values.pop_back();
		}
		if (!rest) return nullptr;
		values.push_back(path.substr(parts[at].at));
		return rest.get();
	}
};

// ---- a route -------------------------------------------------------------------------------------------------------------

RouteItem::RouteItem(
	Scope &scope_, Engine &engine_, const pb_route &r, std::string method_, std::vector<std::string> paths_, std::vector<std::string> variables_)
	: pb_item(scope_, Kind::route), engine(engine_), method(std::move(method_)), pattern(r.pattern), paths(std::move(paths_)), help(r.help ? r.help : ""),
	  flags(r.flags), target(!r.target                                          ? Target::handler
							 : std::string_view(r.target).starts_with("topic:") ? Target::topic
																				: Target::method),
	  target_name(r.target ? std::string_view(r.target).substr(std::string_view(r.target).find(':') + 1) : std::string_view()), path(r.path), query(r.query),
	  body(r.body), role(r.role), deadline(std::max<std::int64_t>(r.deadline_ms, 0)), max_body(r.max_body), on_request(r.on_request), self(r.self),
	  variables(std::move(variables_)), produces(r.produces && *r.produces ? r.produces : "application/json"), count(&engine.figures.route(pattern))
{}

RouteItem::~RouteItem()
{
	engine.router.remove(*this);
	for (Request *r : engine.in_flight())
		if (r->route == this) r->route = nullptr;
}

// ---- the table -----------------------------------------------------------------------------------------------------------

Router::Router(Engine &engine_) : engine(engine_), root(std::make_unique<Node>()) {}
Router::~Router() = default;

Router::Node &Router::node_of(std::string_view path)
{
	Node *n = root.get();
	while (!path.empty()) {
		std::string_view name, part = take_part(path);
		const Kind kind = kind_of(part, name);
		std::unique_ptr<Node> &next = kind == Kind::rest    ? n->rest
									  : kind == Kind::any   ? n->any
									  : kind == Kind::begun ? n->begun.try_emplace(std::string(part)).first->second
															: n->children.try_emplace(std::string(part)).first->second;
		if (!next) next = std::make_unique<Node>();
		n = next.get();
	}
	return *n;
}

const Router::Node *Router::look_up(std::string_view path) const
{
	const Node *n = root.get();
	while (n && !path.empty()) {
		std::string_view name, part = take_part(path);
		const Kind kind = kind_of(part, name);
		if (kind == Kind::fixed || kind == Kind::begun) {
			const auto &those = kind == Kind::fixed ? n->children : n->begun;
			const auto i = those.find(part);
			n = i == those.end() ? nullptr : i->second.get();
		} else {
			n = (kind == Kind::rest ? n->rest : n->any).get();
		}
	}
	return n;
}

Result<RouteItem *> Router::add(Scope &scope, const pb_route &given) { return add(scope, from_border(given), {}); }

Result<RouteItem *> Router::add(Scope &scope, const CoreRoute &r)
{
	return add(scope,
		{sizeof(pb_route), r.flags, r.pattern, r.help, nullptr, r.path, r.query, r.body, r.role, r.deadline_ms, r.max_body, nullptr, nullptr, r.produces},
		r.on_request);
}

Result<RouteItem *> Router::add(Scope &scope, const pb_route &r, Bound<Request &, const json_t *> own)
{
	const std::string_view pattern = r.pattern ? r.pattern : "";
	const auto refuse = [&pattern](std::string_view why) { return fail(fmt::format("route \"{}\": {}", pb::utf8(pattern.substr(0, 128)), why), 400); };
	const std::size_t blank = pattern.find(' ');
	if (blank == std::string_view::npos || pattern.size() > longest_pattern) return refuse("needs a method, a blank and a path, like \"GET gps\"");
	std::string method(pattern.substr(0, blank));
	const std::string_view path = pattern.substr(blank + 1);
	if (!is_header_name(method) || method.size() > 32 || std::ranges::any_of(method, [](char c) { return c >= 'a' && c <= 'z'; }))
		return refuse("its method is none");
	if (path.empty() || !is_utf8(path)) return refuse("its path is empty or not UTF-8");
	std::vector<std::string> paths;
	if (path.front() == '/') paths.emplace_back(path);
	else paths = {"/api/webhook/" + std::string(path), "/api/webhooks/" + std::string(path)};
	std::vector<std::string> variables;
	if (const std::string flaw = flaw_of_template(paths.front(), variables); !flaw.empty()) return refuse(flaw);
	const std::string_view target = r.target ? r.target : "";
	if (r.target && !target.starts_with("topic:") && !target.starts_with("method:")) return refuse("its target is neither topic:NAME nor method:NAME");
	if (!r.target && !r.on_request && !own.call) return refuse("has neither a target nor a handler");
	if (target.starts_with("topic:") && method != "GET") return refuse("a topic can only be read: GET");
	for (const pb_field *table : {r.path, r.query, r.body})
		if (const std::string flaw = fields::flaw_of(table); !flaw.empty()) return refuse(flaw);
	for (const pb_field *f = r.path; f && f->name; ++f)
		if (std::ranges::find(variables, f->name) == variables.end())
			return refuse(fmt::format("{} is declared for the path, which has no {{{}}}", f->name, f->name));
	for (const std::string &p : paths) {
		const Node *there = look_up(p);
		const RouteItem *other = there ? there->serving(method) : nullptr;
		if (!other) continue;
		if (other->scope.plugin != scope.plugin)
			return fail(fmt::format("route \"{}\" is taken by plugin {} (\"{}\")", pattern, other->scope.plugin, other->pattern), 409);
		if (&other->scope == &scope) return fail(fmt::format("route \"{}\" is there already", pattern), 409);
	}
	auto *item = new RouteItem(scope, engine, r, std::move(method), std::move(paths), std::move(variables)); // freed by its scope
	item->own_handler = own;
	++changes;
	for (const std::string &p : item->paths) {
		Node &n = node_of(p);
		auto stack = std::ranges::find(n.stacks, item->method, &Node::Stack::method);
		if (stack == n.stacks.end()) stack = n.stacks.insert(stack, {item->method, {}});
		stack->items.push_back(item);
		if (item->variables.empty()) fixed[p] = &n;
	}
	return item;
}

void Router::remove(RouteItem &route)
{
	++changes;
	for (const std::string &p : route.paths) {
		const Node &n = *look_up(p);
		const bool is_last = n.stacks.size() == 1 && n.stacks.front().items.size() == 1;
		if (is_last && route.variables.empty()) fixed.erase(p);
		remove(*root, p, route);
	}
}

/// Takes the route out of the node that `path` leads to, and nodes that have become empty. True: this one has.
bool Router::remove(Node &node, std::string_view path, RouteItem &route)
{
	if (path.empty()) {
		for (Node::Stack &s : node.stacks) std::erase(s.items, &route);
		std::erase_if(node.stacks, [](const Node::Stack &s) { return s.items.empty(); });
		return node.is_empty();
	}
	std::string_view name, part = take_part(path);
	const Kind kind = kind_of(part, name);
	if (kind == Kind::rest) {
		if (remove(*node.rest, path, route)) node.rest.reset();
	} else if (kind == Kind::any) {
		if (remove(*node.any, path, route)) node.any.reset();
	} else {
		auto &those = kind == Kind::fixed ? node.children : node.begun;
		const auto i = those.find(part);
		if (remove(*i->second, path, route)) those.erase(i);
	}
	return node.is_empty();
}

Match Router::find(std::string_view path, std::vector<Part> &parts, std::string_view method, std::vector<std::string_view> &values) const
{
	const Node *node = nullptr;
	values.clear();
	// A slash that lies inside a part (%2f) makes another path of it.
	const bool is_itself = parts.empty() || parts.size() == static_cast<std::size_t>(std::ranges::count(path, '/'));
	if (const auto i = is_itself ? fixed.find(path) : fixed.end(); i != fixed.end()) {
		node = i->second;
	} else {
		for (std::string_view left = parts.empty() ? path : std::string_view(); !left.empty();) {
			const std::string_view part = take_part(left);
			parts.push_back({static_cast<std::size_t>(part.data() - path.data()), part.size()});
		}
		node = root->walk(path, parts, 0, values);
	}
	Match out;
	if (!node) return out;
	out.route = node->serving(method);
	if (!out.route && method == "HEAD") out.route = node->serving("GET");
	if (out.route) return out;
	for (const Node::Stack &s : node->stacks) {
		out.allow += s.method + ", ";
		if (s.method == "GET" && !node->serving("HEAD")) out.allow += "HEAD, ";
	}
	out.allow += "OPTIONS";
	return out;
}

std::vector<const RouteItem *> Router::all() const
{
	std::set<const RouteItem *> found;
	const auto look = [&found](const auto &again, const Node &n) -> void {
		for (const Node::Stack &s : n.stacks) found.insert(s.items.back());
		for (const auto &[part, child] : n.children) again(again, *child);
		for (const auto &[part, child] : n.begun) again(again, *child);
		if (n.any) again(again, *n.any);
		if (n.rest) again(again, *n.rest);
	};
	look(look, *root);
	std::vector<const RouteItem *> out(found.begin(), found.end());
	std::ranges::sort(out, {}, [](const RouteItem *r) { return std::pair(std::string_view(r->paths.front()), std::string_view(r->method)); });
	return out;
}

} // namespace core::http
