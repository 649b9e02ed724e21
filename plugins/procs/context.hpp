// What all parts of the plugin share: the scope, the settings, where things lie.
#pragma once
#include "fd.hpp"
#include "settings.hpp"

#include <patchbay/patchbay.hpp>

#include <memory>
#include <string>
#include <vector>

namespace procs {

/// Where things lie. Made before anything else; throws where a folder cannot be had.
struct Paths {
	std::string pid_dir, keep_dir, log_dir, keeper;
	std::string cgroup;       // a cgroup v2 folder in which new ones can be made; empty: none
	std::string cgroup_mount; // of cgroup v2; empty: none
};
[[nodiscard]] Paths find_paths(const Settings &settings, const char *state_dir);
/// Makes the folders that a start needs, with modes that let a command's user reach its socket. Blocks a little.
[[nodiscard]] std::string make_folder(const std::string &path, mode_t mode); // empty, or why not

/// Frees what a running callback may still use, after it.
class Graveyard {
public:
	explicit Graveyard(pb::Scope &scope) : soon(scope, pb::bind<&Graveyard::on_soon>(this)) {}
	template<typename T> void bury(std::unique_ptr<T> gone)
	{
		if (!gone) return;
		graves.emplace_back(std::shared_ptr<T>(std::move(gone))); // shared: forgets the type
		soon.once(milliseconds(0));
	}

private:
	void on_soon() noexcept { std::vector<std::shared_ptr<void>>(std::move(graves)).clear(); }
	std::vector<std::shared_ptr<void>> graves;
	pb::Timer soon;
};

class KeeperLink;
class Units;

struct Context {
	Context(pb::Scope &scope, const Settings &settings, Paths paths);
	~Context();
	/// Keeps a link until its keeper has been reaped.
	void keep_dying(std::unique_ptr<KeeperLink> link);
	void drop_dead() noexcept;

	pb::Scope &scope;
	const Settings &settings;
	const Paths paths;
	std::string no_commands; // why none can be run; empty: they can
	Graveyard graveyard;
	std::unique_ptr<Units> units; // where a process is a unit

private:
	std::vector<std::unique_ptr<KeeperLink>> dying;
};

} // namespace procs
