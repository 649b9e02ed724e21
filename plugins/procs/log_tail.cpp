#include "log_tail.hpp"

#include "fd.hpp"

#include <patchbay/json.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procs {

namespace {
constexpr std::size_t most_bytes = 4 << 20, block = 64 << 10, most_words = 240;
constexpr int most_files = 21;

struct Piece {
	std::string text; // whole lines; but for the first, where it begins in the middle of a file
	std::uint64_t inode = 0, size = 0;
	bool is_there = false;
};

/// The end of one file: at least `lines` lines of it, or all.
Piece end_of(const std::string &path, std::size_t lines, std::size_t bytes)
{
	Piece out;
	struct stat st {};
	const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
	if (!fd || ::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode)) return out;
	out.is_there = true;
	out.inode = st.st_ino;
	out.size = static_cast<std::uint64_t>(st.st_size);
	std::size_t found = 0;
	auto at = static_cast<std::size_t>(st.st_size);
	while (at > 0 && found <= lines && out.text.size() < bytes) {
		const std::size_t n = std::min(block, at);
		std::string part(n, '\0');
		if (::pread(fd.get(), part.data(), n, static_cast<off_t>(at - n)) != static_cast<ssize_t>(n)) break;
		at -= n;
		found += static_cast<std::size_t>(std::ranges::count(part, '\n'));
		out.text.insert(0, part);
	}
	return out;
}

/// f for each line from the end; false ends it. What comes after the last newline is being written still.
template<typename F> void each_from_end(std::string_view text, F f)
{
	std::size_t end = text.rfind('\n');
	while (end != std::string_view::npos && end > 0) {
		const std::size_t before = text.rfind('\n', end - 1), begin = before == std::string_view::npos ? 0 : before + 1;
		if (const auto line = parse_log_line(text.substr(begin, end - begin)); line && !f(*line)) return;
		end = before;
	}
}
} // namespace

LogTail tail_of(const std::string &path, std::size_t count)
{
	LogTail out;
	std::size_t bytes = 0;
	for (int file = 0; file < most_files && bytes < most_bytes; ++file) {
		const Piece p = end_of(file == 0 ? path : fmt::format("{}.{}", path, file), count - out.lines.size(), most_bytes - bytes);
		if (file == 0) {
			out.inode = p.inode;
			const std::size_t end = p.text.rfind('\n');
			out.offset = end == std::string::npos ? p.size - p.text.size() : p.size - p.text.size() + end + 1;
		}
		if (!p.is_there || (out.lines.size() >= count && file > 0)) break;
		bytes += p.text.size();
		each_from_end(p.text, [&](const LogLine &l) {
			if (out.lines.size() >= count) return false;
			out.lines.push_back(to_json(l));
			return true;
		});
	}
	std::ranges::reverse(out.lines);
	return out;
}

std::string last_words(const std::string &path, std::int64_t since_ms, std::size_t count)
{
	std::vector<std::string> errors, all;
	const Piece p = end_of(path, 4 * count, block);
	each_from_end(p.text, [&](const LogLine &l) {
		if (l.time_ms < since_ms) return false;
		if (l.stream == "stderr" && errors.size() < count) errors.push_back(pb::utf8(l.text.substr(0, most_words)));
		if (l.stream != "keeper" && all.size() < count) all.push_back(pb::utf8(l.text.substr(0, most_words)));
		return true;
	});
	std::vector<std::string> &chosen = errors.empty() ? all : errors;
	std::ranges::reverse(chosen);
	return fmt::format("{}", fmt::join(chosen, " | "));
}

} // namespace procs
