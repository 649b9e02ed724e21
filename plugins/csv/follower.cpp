#include "csv/follower.hpp"

#include <algorithm>
#include <chrono>

namespace csv {
namespace {

std::int64_t unix_ms() noexcept { return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count(); }

} // namespace

Follower::Follower(std::vector<std::string> directories, Patterns patterns, int inotify_fd, std::vector<Mark> known_)
	: places(std::move(directories), std::move(patterns), inotify_fd), known(std::move(known_))
{}

Follower::Step Follower::step(bool wants_scan)
{
	Step out;
	if (is_first) open_known();
	if (wants_scan || is_first) choose(places.scan());
	is_first = false;
	for (Followed &f : followed) look_at(f);

	// What is known first, so that nothing new is taken for it; then older files before newer ones.
	auto unread = std::find_if(followed.begin(), followed.end(), [](const Followed &f) { return !f.file->is_at_end() && f.file->known_until() != 0; });
	if (unread == followed.end()) unread = std::find_if(followed.begin(), followed.end(), [](const Followed &f) { return !f.file->is_at_end(); });
	if (unread != followed.end()) {
		out.is_known = unread->file->known_until() != 0;
		(void)unread->file->read(piece, out.batch);
		unread->rejected.add(out.batch.rejects);
		unread->quiet_since_ms = unix_ms();
	}
	out.has_more = std::any_of(followed.begin(), followed.end(), [](const Followed &f) { return !f.file->is_at_end(); });
	if (!out.has_more) give_up_old(unix_ms());
	out.are_folders_watched = places.are_watched();
	out.trouble = places.trouble();
	out.files = report();
	return out;
}

void Follower::open_known()
{
	// In the order in which they were followed: what was written to the older ones meanwhile comes first.
	for (const Mark &m : known) {
		std::string why;
		std::unique_ptr<LogFile> file = LogFile::open(m.path, why);
		if (!file || file->mark().identity != m.identity) { // renamed meanwhile?
			const std::string path = places.find(m.identity);
			file = path.empty() ? nullptr : LogFile::open(path, why);
		}
		if (!file || file->mark().identity != m.identity) continue;
		(void)file->recognise(m); // else it was rewritten: all of it is new
		followed.push_back({std::move(file), {}, unix_ms()});
	}
	known.clear();
}

void Follower::choose(const std::vector<Candidate> &candidates)
{
	std::size_t tried = 0;
	for (const Candidate &c : candidates) {
		const auto same = std::find_if(
			followed.begin(), followed.end(), [&](const Followed &f) { return f.file->mark().identity == c.stat.identity && f.file->path() == c.path; });
		if (same != followed.end()) {
			std::rotate(same, same + 1, followed.end()); // the newest last
			return;
		}
		const auto no = refused.find(c.path);
		if (no != refused.end() && no->second.identity == c.stat.identity && no->second.size == c.stat.size && no->second.modified_ns == c.stat.modified_ns)
			continue;
		if (++tried > most_tried) return;
		if (follow(c.path)) return;
		if (refused.size() >= most_refused) refused.clear();
		refused[c.path] = c.stat;
	}
}

bool Follower::follow(const std::string &path)
{
	std::string why;
	std::unique_ptr<LogFile> file = LogFile::open(path, why);
	if (!file || !file->has_known_format()) return false;
	// The same file under another name is no new one: it was rotated while we looked.
	const auto same = std::find_if(followed.begin(), followed.end(), [&](const Followed &f) { return f.file->mark().identity == file->mark().identity; });
	if (same != followed.end()) {
		same->file->rename(path);
		std::rotate(same, same + 1, followed.end());
		return true;
	}
	followed.push_back({std::move(file), {}, unix_ms()});
	return true;
}

void Follower::look_at(Followed &f)
{
	if (f.file->look() == LogFile::Change::rewritten) f.rejected = {};
}

void Follower::give_up_old(std::int64_t now_ms)
{
	// A name that went elsewhere may still be written to for a while; a file without any name keeps its disk space from others.
	constexpr std::int64_t patience_ms = 600'000, patience_removed_ms = 30'000;
	std::erase_if(followed, [&](const Followed &f) {
		return f.file->is_replaced() && now_ms - f.quiet_since_ms > (f.file->stat().is_removed ? patience_removed_ms : patience_ms);
	});
	if (followed.size() > most_followed) followed.erase(followed.begin(), followed.end() - most_followed);
}

std::vector<FileReport> Follower::report() const
{
	std::vector<FileReport> out;
	for (auto f = followed.rbegin(); f != followed.rend(); ++f) {
		const LogFile &l = *f->file;
		out.push_back({l.path(), l.format(), l.stat().size, l.mark().offset, l.rows(), l.stat().modified_ns / 1'000'000, l.is_at_end(), f == followed.rbegin(),
			l.known_until() != 0, f->rejected, l.mark()});
	}
	return out;
}

} // namespace csv
