#include "log_follow.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procs {

namespace {
constexpr milliseconds pause{100};
constexpr std::size_t most_partial = 64 << 10; // a keeper's lines are far shorter
} // namespace

LogFollow::LogFollow(Context &context, std::string path_, std::uint64_t inode_, std::uint64_t offset_, Owner &owner_)
	: path(std::move(path_)), inode(inode_), offset(offset_), owner(owner_), look(context.scope, pb::bind<&LogFollow::on_look>(this))
{
	look.once(milliseconds(0));
}

void LogFollow::on_look() noexcept
{
	if (!owner.wants_more()) return look.once(pause);
	if (!file) open_next();
	if (read_some()) return look.once(milliseconds(0));
	struct stat st {};
	if (file && ::stat(path.c_str(), &st) == 0 && st.st_ino != inode && open_next())
		return look.once(milliseconds(0)); // it was rotated, and is read to its end
	look.once(pause);
}

bool LogFollow::read_some()
{
	std::array<char, 65536> buffer;
	if (!file) return false;
	const ssize_t n = ::pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
	if (n <= 0) return false;
	offset += static_cast<std::uint64_t>(n);
	partial.append(buffer.data(), static_cast<std::size_t>(n));
	take_lines();
	return static_cast<std::size_t>(n) == buffer.size();
}

/// The file that has the path now, or, first, the one that was asked for.
bool LogFollow::open_next()
{
	UniqueFd next(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
	struct stat st {
	}, rotated{};
	if (!next || ::fstat(next.get(), &st) != 0 || !S_ISREG(st.st_mode)) return false;
	if (st.st_ino != inode) {
		const bool is_direct = inode == 0 || (::stat((path + ".1").c_str(), &rotated) == 0 && rotated.st_ino == inode);
		if (!is_direct) owner.on_gap();
		if (!file && is_direct && inode != 0) { // it was rotated between the asking and now: the rest of it first
			next.reset(::open((path + ".1").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
			if (!next) return false;
			file = std::move(next);
			return true;
		}
		inode = st.st_ino;
		offset = 0;
		partial.clear();
	}
	file = std::move(next);
	return true;
}

void LogFollow::take_lines()
{
	std::size_t begin = 0;
	for (std::size_t end; (end = partial.find('\n', begin)) != std::string::npos; begin = end + 1)
		if (const auto line = parse_log_line(std::string_view(partial).substr(begin, end - begin))) owner.on_line(*line);
	partial.erase(0, begin);
	if (partial.size() > most_partial) partial.clear();
}

} // namespace procs
