#include "graph.hpp"

#include <algorithm>

namespace procs {

namespace {
enum class Mark { none, on_path, done };

/// Depth first; `visit` comes after all that a name requires.
class Walk {
public:
	explicit Walk(const Edges &edges_) : edges(edges_) {}

	bool from(const std::string &name) // false: a cycle, which stands in path
	{
		Mark &mark = marks[name];
		if (mark == Mark::done) return true;
		path.push_back(name);
		if (mark == Mark::on_path) return false;
		mark = Mark::on_path;
		if (const auto i = edges.find(name); i != edges.end())
			for (const std::string &need : i->second)
				if (!from(need)) return false;
		marks[name] = Mark::done;
		path.pop_back();
		order.push_back(name);
		return true;
	}

	std::vector<std::string> path, order;

private:
	const Edges &edges;
	std::map<std::string, Mark> marks;
};
} // namespace

std::vector<std::string> find_cycle(const Edges &edges)
{
	Walk walk(edges);
	for (const auto &[name, needs] : edges)
		if (!walk.from(name)) return {std::ranges::find(walk.path, walk.path.back()), walk.path.end()};
	return {};
}

std::vector<std::string> start_order(const Edges &edges, const std::vector<std::string> &names)
{
	Walk walk(edges);
	for (const std::string &name : names) walk.from(name);
	return walk.order;
}

std::set<std::string> dependents_of(const Edges &edges, const std::vector<std::string> &names)
{
	std::set<std::string> found(names.begin(), names.end());
	for (bool has_grown = true; has_grown;) {
		has_grown = false;
		for (const auto &[name, needs] : edges)
			if (std::ranges::any_of(needs, [&](const std::string &n) { return found.contains(n); })) has_grown |= found.insert(name).second;
	}
	for (const std::string &name : names) found.erase(name);
	return found;
}

} // namespace procs
