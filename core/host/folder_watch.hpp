// Watches the plugin folders: says which files have come, changed or gone, once they are whole.
#pragma once
#include "log/log.hpp"
#include "reactor/watch.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace core::host {

/// inotify, debounced: a file that is written 100 times a second is reported a few times a second. Loop thread.
class FolderWatch final {
public:
	FolderWatch(Reactor &reactor, Log &log, Bound<const std::string &> on_file);
	~FolderWatch();
	FolderWatch(const FolderWatch &) = delete;
	FolderWatch &operator=(const FolderWatch &) = delete;

	/// These and no others. Those that do not exist are looked for every few seconds, and reported whole when they appear.
	void set(const std::vector<std::string> &folders, bool is_on);
	/// All "*.so" in a folder, by name.
	[[nodiscard]] static std::vector<std::string> list(const std::string &folder);

private:
	void on_readable(int fd, std::uint32_t what) noexcept;
	void on_quiet() noexcept;
	void on_missing() noexcept;
	bool add(const std::string &folder);
	void report_all(const std::string &folder);

	Reactor &reactor;
	Log &log;
	Bound<const std::string &> on_file;
	int fd = -1;
	std::map<int, std::string> watched; // by watch descriptor
	std::set<std::string> missing, changed;
	std::unique_ptr<FdWatch> readable;
	Timer quiet, look;
};

} // namespace core::host
