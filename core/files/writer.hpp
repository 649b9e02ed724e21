// Files that other programs read: whole appends and atomic replacement, on a worker, in order for each path.
#pragma once
#include "reactor/pool.hpp"
#include "result.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace core::files {

/// Loop thread. Appends to one path that wait together go out in one write(2) with O_APPEND, in whole lines (an end of line is
/// put where it is missing). Replacements of one path that wait together are one, with the newest content. At most 16 MiB wait
/// for a path, and 64 MiB for all: past it 507 FILE_BUSY. Paths are absolute; symlinks as the last part are refused (403).
class Writer final {
public:
	using Done = std::function<void(Result<pb::Json>)>; // null on success; comes later, in order for each path

	Writer(Reactor &reactor, Pool &pool);
	~Writer(); // writes what has been accepted, at once; callbacks that have not come will not
	Writer(const Writer &) = delete;
	Writer &operator=(const Writer &) = delete;

	/// Temporary file in the same folder, rename; durable: fsync of file and folder before and after. mode: as in chmod; 0: 0644.
	void replace(const std::string &path, std::string data, std::uint32_t mode, bool is_durable, Done done);
	/// mode: where the file is made.
	void append(const std::string &path, std::string data, std::uint32_t mode, bool is_durable, Done done);

	/// Under way and waiting.
	[[nodiscard]] std::size_t waiting() const noexcept;

private:
	struct State;
	std::shared_ptr<State> state; // shared with the jobs under way
};

} // namespace core::files
