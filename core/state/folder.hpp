// The state folder: made, claimed for one daemon, and what lies in it set aside where it is of no use.
#pragma once
#include "result.hpp"

#include <string>

namespace core::state {

/// Holds the lock on the folder until it ends; others see by it whether the folder is in use.
class Folder final {
public:
	/// Makes the folder (0750; those above it 0755) and takes its lock. Errors: STATE_IN_USE names the process; STATE_ERROR.
	[[nodiscard]] static Result<Folder> claim(const std::string &directory);
	Folder() = default;
	Folder(Folder &&other) noexcept;
	Folder &operator=(Folder &&other) noexcept;
	~Folder();

	[[nodiscard]] std::string database() const { return directory + "/state.db"; }
	/// Makes state.db with its mode (0640) where it is not there: the library would let everybody read it.
	[[nodiscard]] Result<void> prepare_database() const;
	/// Renames state.db, -wal and -shm to state.db.WHY-TIME…; keeps the newest 10 of such. The new name.
	[[nodiscard]] Result<std::string> set_aside(const char *why) const;
	void sync() const noexcept;

private:
	std::string directory;
	int lock = -1;
};

} // namespace core::state
