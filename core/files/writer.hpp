// Files that other programs read: whole appends and atomic replacement, on a worker, in order for each path.
#pragma once
#include "reactor/pool.hpp"
#include "result.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace core::files {

/// Loop thread. Appends to one path that wait together go out in one write(2) with O_APPEND, in whole lines (one is put at the
/// end where it is missing). At most 16 MiB wait for a path: past it 507. Symlinks as the last part are refused.
class Writer final {
public:
	using Done = std::function<void(Result<pb::Json>)>; // null on success

	Writer(Reactor &reactor, Pool &pool);
	~Writer();
	/// Temporary file in the same folder, rename; durable: fsync of file and folder before and after.
	void replace(const std::string &path, std::string data, std::uint32_t mode, bool is_durable, Done done);
	void append(const std::string &path, std::string data, std::uint32_t mode, bool is_durable, Done done);

private:
	struct State;
	std::shared_ptr<State> state; // shared with the job under way
};

/// The same at once, for the start and for tests: temporary file, fsync, rename, fsync of the folder.
Result<void> replace_now(const std::string &path, std::string_view data, std::uint32_t mode);

} // namespace core::files
