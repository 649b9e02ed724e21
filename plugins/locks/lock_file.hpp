// One lock file, PATH.lock, that other programs respect: who made it holds PATH. All of it blocks: for a worker.
//
// Taking creates the file (O_CREAT|O_EXCL) and writes an id into it: the unix time in ms, as JavaScript's Date.now() writes
// it, or a PID, as liblockfile does. While we hold it, we keep it open and flocked, so that another of us knows for certain
// that its holder lives, and write the time into it again before anybody could take it for stale.
//
// A file that is stale (see judge()) is taken over in place, under its flock: the file never goes away and is never another
// one, so of any number of takers one wins, and a program that removes it behind our back is noticed by its link count.
// Where it may not be written, a new one is renamed over it, under the same flock.
#pragma once
#include "fd.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <sys/stat.h>

namespace locks {

using std::chrono::milliseconds;

struct Fault {
	int status;
	std::string code, text;
};

/// Where a lock file belongs: its folder, open, found beneath a root without following a link, and its name there.
struct Place {
	Fd folder;
	std::string name; // with .lock
	std::string path; // what it locks, with all links of its folder resolved
};
/// 403 PATH_FORBIDDEN outside the roots, 400 for what is no path, 404 where its folder is missing.
std::variant<Place, Fault> find_place(const std::vector<std::string> &roots, const std::string &path);

/// What is known of a lock file that stands in the way.
struct Verdict {
	bool is_stale = false;
	std::string holder; // for people: "PID 417 (rsync)", "an unknown program"
	milliseconds age{};
};
/// text: the content; mtime, now: unix ms. Never stale: a living PID's file, and what does not look like a lock file. Else
/// older than stale_after; or than liblockfile's 5 minutes where nothing but its age can be known.
Verdict judge(std::string_view text, std::int64_t mtime, std::int64_t now, milliseconds stale_after);

enum class Content { time, pid };

/// A lock file that we hold. Its destructor closes it, and leaves the file: see drop().
struct HeldFile {
	Place place;
	Fd fd;
	std::string id;         // its content
	bool was_stale = false; // taken over: look again (is_ours) before relying on it
	[[nodiscard]] std::uint64_t inode() const noexcept;
};

struct Busy {
	Verdict verdict;
};
/// One try. `now`: unix ms.
std::variant<HeldFile, Busy, Fault> take(Place place, Content content, milliseconds stale_after, std::int64_t now);
/// Takes up a file from before a restart: only where it is the same inode, holds one of `ids` and nobody else has it.
std::optional<HeldFile> adopt(Place place, std::uint64_t inode, const std::vector<std::string> &ids);

/// The file is still there, is the one that we made or took, and says what we wrote.
bool is_ours(const HeldFile &file);
/// Writes `id` and so makes it young again. False: it is not ours any more.
bool refresh(HeldFile &file, std::string id);
/// Removes it. False: it is not ours any more; nothing is removed then.
bool drop(HeldFile &file);

std::string make_id(Content content, std::int64_t now);

} // namespace locks
