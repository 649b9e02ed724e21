// Follows a log as it grows, over rotations: for readers and for readiness.
#pragma once
#include "context.hpp"
#include "log_line.hpp"

#include <cstdint>

namespace procs {

/// Looks every 100 ms, reads at most 64 KiB a turn. Loop thread; the file is in the page cache, since it was just written.
class LogFollow final {
public:
	struct Owner {
		virtual void on_line(const LogLine &line) noexcept = 0;
		virtual void on_gap() noexcept = 0;                 // rotated away faster than it was read
		virtual bool wants_more() noexcept { return true; } // false: it looks again later
	protected:
		~Owner() = default;
	};
	/// From `offset` of the file with that inode; inode 0: from the beginning of whatever comes.
	LogFollow(Context &context, std::string path, std::uint64_t inode, std::uint64_t offset, Owner &owner);

private:
	void on_look() noexcept;
	bool read_some();
	bool open_next();
	void take_lines();

	const std::string path;
	std::uint64_t inode, offset;
	UniqueFd file;
	std::string partial;
	Owner &owner;
	pb::Timer look;
};

} // namespace procs
