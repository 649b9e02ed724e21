// A watched change: tells when the configuration's files have been written, replaced, added or removed.
#pragma once
#include "reactor/watch.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace core::config {

/// Watches the folders of the files (editors write a new file and rename it), those that symlinks lead to, and conf.d,
/// also where it comes later. Calls once things have been quiet for a moment. Does not read the files. Loop thread.
class Watch final {
public:
	Watch(Reactor &reactor, Bound<> on_change, std::chrono::milliseconds quiet = std::chrono::milliseconds(250));
	~Watch();
	Watch(const Watch &) = delete;
	Watch &operator=(const Watch &) = delete;

	/// What Config::files has: the main file first. None: nothing is watched. Gives the reason where something cannot be
	/// watched, else nothing; it is tried again every now and then.
	std::string set(const std::vector<std::string> &files);

private:
	struct Folder {
		std::string path;
		std::vector<std::string> names; // that count
		bool is_conf_d = false;         // any *.toml counts
	};
	void add_folder(Folder folder);
	[[nodiscard]] std::string watch_folders();
	[[nodiscard]] bool counts(int wd, std::uint32_t what, std::string_view name) const;
	void on_events(int fd, std::uint32_t what) noexcept;
	void on_quiet() noexcept;
	void on_again() noexcept;
	void touch() noexcept;

	Reactor &reactor;
	const Bound<> on_change;
	const std::chrono::milliseconds quiet;
	std::string main_file;
	std::vector<Folder> folders;
	std::map<int, Folder> watched; // by inotify's number
	bool is_lost = false;          // a watched folder has gone or moved
	std::chrono::steady_clock::time_point first_touch{};
	int fd = -1;
	std::unique_ptr<FdWatch> readable;
	Timer settle, again;
};

} // namespace core::config
