// The configured folders: which files in them match, which was changed last, and what inotify says of them.
#pragma once
#include "csv/log_file.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace csv {

/// A file that matches.
struct Candidate {
	std::string path;
	Stat stat;
};

/// Shell patterns for names.
class Patterns {
public:
	explicit Patterns(std::vector<std::string> patterns_) : patterns(std::move(patterns_)) {}
	[[nodiscard]] bool matches(const char *name) const noexcept;

private:
	std::vector<std::string> patterns;
};

/// What inotify says of the folders. Lives on the loop; nothing here blocks.
class Inotify {
public:
	Inotify();
	struct Events {
		bool is_scan_due = false;          // names have come or gone, or events were lost
		std::vector<std::string> modified; // names of matching files
	};
	/// Drains what there is.
	[[nodiscard]] Events read(const Patterns &patterns) const;
	[[nodiscard]] int fd() const noexcept { return handle.get(); }

private:
	Handle handle;
};

/// Lives on the worker, since a path may hang (a network file system); watches are added to an Inotify of the loop.
class Folders {
public:
	Folders(std::vector<std::string> directories, Patterns patterns_, int inotify_fd_);

	/// All matching files, the newest first; watches folders that have come since.
	[[nodiscard]] std::vector<Candidate> scan();
	/// The file with this identity, under whatever name it has now; empty if there is none.
	[[nodiscard]] std::string find(const Identity &identity) const;
	/// inotify says of every folder what happens in it, or that it comes: a slow timer will do.
	[[nodiscard]] bool are_watched() const noexcept { return all_watched; }
	/// What is wrong with folders, for people; empty: nothing.
	[[nodiscard]] const std::string &trouble() const noexcept { return why; }

private:
	struct Folder {
		std::string path;
		int watch = -1;    // on the folder, or on the nearest one above it that exists
		Identity identity; // of what is watched
		bool is_shared = true;
	};
	void watch(Folder &folder) const;
	void list(const Folder &folder, std::vector<Candidate> &out);

	static constexpr std::size_t most_files = 10'000; // looked at in one folder
	const Patterns patterns;
	const int inotify_fd; // -1: there is none
	std::vector<Folder> folders;
	bool all_watched = false;
	std::string why;
};

} // namespace csv
