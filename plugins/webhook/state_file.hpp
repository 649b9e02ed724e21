// The state file that older tools read: {"processes","interfaces","services","lastUpdate"}.
#pragma once
#include "known.hpp"

#include <map>
#include <string>

namespace webhook {

/// Written whole (temporary file, rename), at most every five seconds, and only where something has changed. The `running` flags are checked with
/// /proc on a worker right before. Loop thread.
class StateFile final {
public:
	/// path empty: none is written.
	StateFile(pb::Scope &scope, Known &known, std::string path);
	~StateFile();
	/// The daemon stops: calls back once procs has, so that the file says in the end what is left.
	void wait_for_procs(pb::Bound<> done);
	StateFile(const StateFile &) = delete;
	StateFile &operator=(const StateFile &) = delete;

private:
	void on_change(std::string_view topic);
	void on_timer() noexcept;
	void on_checked(pb::Json state);
	void on_limit() noexcept { std::exchange(procs_gone, {})(); }
	[[nodiscard]] pb::Json collect();

	pb::Scope &scope;
	Known &known;
	const std::string path;
	pb::Json summary;    // the last one of procs
	std::string written; // without the times
	std::chrono::steady_clock::time_point written_at{};
	bool is_planned = false, is_checking = false, is_failing = false;
	pb::Bound<> procs_gone;
	pb::Timer timer, limit;
};

} // namespace webhook
