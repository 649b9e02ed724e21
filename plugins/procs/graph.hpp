// The graph of requires: cycles, orders, dependents. Pure.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

namespace procs {

using Edges = std::map<std::string, std::vector<std::string>>; // who → whom it requires

/// A cycle as it is walked, its first name again at the end; empty: none.
[[nodiscard]] std::vector<std::string> find_cycle(const Edges &edges);
/// `names` and all that they require, each after what it requires. The graph has no cycle.
[[nodiscard]] std::vector<std::string> start_order(const Edges &edges, const std::vector<std::string> &names);
/// All that require one of `names`, over any number of steps, without these.
[[nodiscard]] std::set<std::string> dependents_of(const Edges &edges, const std::vector<std::string> &names);

} // namespace procs
