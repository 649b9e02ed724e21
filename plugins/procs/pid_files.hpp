// PID files as the configured places ask: a PID a line, written whole and renamed, gone when nothing runs. And read, as hints.
#pragma once
#include "context.hpp"

#include <sys/types.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace procs {

/// The PIDs in a text that anybody may have written: a decimal number a line, nothing below 2, at most `most`.
[[nodiscard]] std::vector<pid_t> parse_pids(std::string_view text, std::size_t most = 64);
/// Of a file: none where it is a link, no regular file, or larger than 64 KiB.
[[nodiscard]] std::vector<pid_t> read_pid_file(const std::string &path);
/// By temporary file and rename, so that a link at `path` is replaced and not followed. Empty, or why not. Blocks.
[[nodiscard]] std::string write_pid_file(const std::string &path, const std::vector<pid_t> &pids);

/// Whether it speaks of a process that lives and was there when it was written: then somebody else's is running.
[[nodiscard]] bool is_in_use(const std::string &path);

/// Keeps the files equal to what runs; the newest state of each wins. Writes on a worker, one at a time for each path.
class PidFiles final {
public:
	explicit PidFiles(Context &context);
	~PidFiles();
	/// Which files a process has, and its place in files of several.
	void add(const std::string &name, std::vector<std::string> paths);
	/// 0: it does not run.
	void set(const std::string &name, pid_t pid);
	/// Calls back once all that was set so far stands on the disk (at once, from inside, where it does already).
	void when_written(std::function<void()> then);
	/// All of them as they should be (at the start): what former processes left is removed, but for files outside pid_dir
	/// that speak of a process which somebody else has started.
	void write_all();

private:
	struct File {
		std::vector<std::string> members;
		bool is_dirty = false, is_busy = false;
	};
	void write(const std::string &path, File &file, bool is_first = false);
	void on_written(const std::string &path, const std::string &why);
	[[nodiscard]] bool is_idle() const noexcept;

	Context &context;
	std::map<std::string, File> files;
	std::map<std::string, std::vector<std::string>> paths_of;
	std::map<std::string, pid_t> pids;
	std::vector<std::function<void()>> waiting;
	std::shared_ptr<bool> alive; // shared: jobs on workers outlive us
};

} // namespace procs
