// Which logs are followed, and reading them piece by piece. Lives on a worker, one call at a time; blocks.
//
// The newest matching file is followed. One that was the newest before is read to its end first, and goes on being looked
// at: what is written to it late (after a rotation, or by a second logger) is not lost.
#pragma once
#include "csv/folders.hpp"
#include "csv/log_file.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace csv {

/// What people are shown of one log.
struct FileReport {
	std::string path;
	Format format = Format::unknown;
	std::uint64_t size = 0, offset = 0, rows = 0;
	std::int64_t modified_ms = 0;
	bool is_at_end = true; // all is read but a half line
	bool is_newest = false;
	bool is_known = false; // still being read again after a restart
	Rejects rejected;
	Mark mark;
};

class Follower {
public:
	Follower(std::vector<std::string> directories, Patterns patterns, int inotify_fd, std::vector<Mark> known_);

	struct Step {
		Batch batch;           // of one file
		bool is_known = false; // told of in an earlier life: the table wants it, nobody else
		bool has_more = false; // call again at once
		bool are_folders_watched = false;
		std::string trouble;
		std::vector<FileReport> files; // the newest first
	};
	/// Looks, and reads one piece. wants_scan: look at the folders as well, not at the followed files alone.
	Step step(bool wants_scan);

private:
	struct Followed {
		std::unique_ptr<LogFile> file;
		Rejects rejected;
		std::int64_t quiet_since_ms = 0; // nothing new since
	};
	void open_known();
	void choose(const std::vector<Candidate> &candidates);
	bool follow(const std::string &path);
	void look_at(Followed &f);
	void give_up_old(std::int64_t now_ms);
	[[nodiscard]] std::vector<FileReport> report() const;

	static constexpr std::size_t most_followed = 8, most_tried = 32, most_refused = 256, piece = 512 << 10;
	Folders places;
	std::vector<Mark> known; // of an earlier life, not yet met again
	bool is_first = true;
	std::vector<Followed> followed;      // the newest last
	std::map<std::string, Stat> refused; // not a log, as they were when we looked
};

} // namespace csv
