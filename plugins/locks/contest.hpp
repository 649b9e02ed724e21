// One who asked for a lock file: first in our line, then against other programs for the file itself.
#pragma once
#include "file_locks.hpp"

namespace locks {

/// Deleted by the desk. A job under way outlives it: it finds its contest by a weak pointer.
class FileLocks::Contest final : public Client {
public:
	Contest(FileLocks &files, pb::Reply &&reply, std::string path, Ms deadline, Ms ttl);

private:
	bool on_granted(const std::string &name, const Holder &holder) noexcept override;
	void on_refused(const pb::Error &e) noexcept override;
	void on_left() noexcept;
	void on_timer() noexcept;
	void try_once();
	void on_tried(std::variant<HeldFile, Busy, Fault> got);
	void look_again();
	void have(HeldFile file);
	void give_up(const pb::Error &why);
	static void put_back(pb::Scope &scope, HeldFile file);

	FileLocks &files;
	pb::Reply reply;
	const std::string path;
	const Ms deadline, ttl;
	std::string name;
	Token token = 0;
	std::chrono::milliseconds pause{10};
	std::optional<HeldFile> fresh;   // taken over, and not yet relied upon
	std::shared_ptr<Contest *> self; // jobs hold it weakly
	pb::Timer timer;
};

} // namespace locks
