// Keepers in the keep folder: found again by a new daemon; and the tree of one that was killed, found by its markers and ended.
#pragma once
#include "keeper_link.hpp"
#include "record.hpp"

namespace procs {

/// All by which a tree is known whose keeper is gone.
struct LostTree {
	std::string folder, name, nonce, cgroup; // cgroup empty: none
	Identity keeper, main;
	std::uint64_t cgns = 0;              // the number of its cgroup namespace; 0: none of its own
	std::shared_ptr<const UniqueFd> pin; // on that namespace, whose number is nobody else's as long as it is held; null: none
};
/// A descriptor on the process's cgroup namespace, where it is not our own.
[[nodiscard]] UniqueFd pin_namespace(pid_t pid);
[[nodiscard]] std::uint64_t number_of(const UniqueFd &pin) noexcept;
struct LostEnd {
	unsigned killed = 0;
	std::string text; // for people
};
/// Ends the tree: by its cgroup, which is exact, else by sweeps over /proc until ten in a row found nothing. On a worker.
[[nodiscard]] LostEnd end_lost_tree(const LostTree &tree);

struct FoundKeeper {
	enum class Kind { alive, ended, lost };
	Kind kind = Kind::lost;
	std::string name, folder;
	Nonce nonce{};
	Id id;
	Ended ended;            // of Kind::ended
	UniqueFd socket, pidfd; // of Kind::alive
};
/// All keepers of this boot in the folder; what is of another boot, or makes no sense, is removed. On a worker.
[[nodiscard]] std::vector<FoundKeeper> scan_keepers(const std::string &keep_dir);

} // namespace procs
