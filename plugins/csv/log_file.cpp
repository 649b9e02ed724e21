#include "csv/log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace csv {
namespace {

std::uint64_t hash_of(std::string_view bytes) noexcept // FNV-1a
{
	std::uint64_t h = 0xcbf29ce484222325;
	for (const char c : bytes) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
	return h;
}

std::optional<Stat> look_at(int dir, const char *path, int flags)
{
	struct statx x {};
	if (::statx(dir, path, flags, STATX_TYPE | STATX_INO | STATX_SIZE | STATX_MTIME | STATX_BTIME | STATX_NLINK, &x) != 0) return {};
	const auto ns = [](const statx_timestamp &t) { return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec; };
	Stat s;
	s.identity = {makedev(x.stx_dev_major, x.stx_dev_minor), x.stx_ino, (x.stx_mask & STATX_BTIME) != 0 ? ns(x.stx_btime) : 0};
	s.size = x.stx_size;
	s.modified_ns = ns(x.stx_mtime);
	s.is_regular = S_ISREG(x.stx_mode);
	s.is_removed = x.stx_nlink == 0;
	return s;
}

} // namespace

Handle::~Handle()
{
	if (fd >= 0) ::close(fd);
}

std::optional<Stat> Stat::of(int fd) { return look_at(fd, "", AT_EMPTY_PATH); }
std::optional<Stat> Stat::of(const std::string &path) { return look_at(AT_FDCWD, path.c_str(), 0); }

pb::Json Mark::json() const
{
	// Unsigned 64-bit numbers do not all fit JSON's; their text does.
	return {{"path", path}, {"device", std::to_string(identity.device)}, {"inode", std::to_string(identity.inode)}, {"born_ns", identity.born_ns},
		{"offset", offset}, {"head_size", head_size}, {"head", std::to_string(head)}, {"tail_size", tail_size}, {"tail", std::to_string(tail)}};
}

std::optional<Mark> Mark::from(const json_t *json)
{
	const auto number = [&](const char *key) { return std::strtoull(std::string(pb::text_at(json, key)).c_str(), nullptr, 10); };
	Mark m;
	m.path = pb::text_at(json, "path");
	m.identity = {number("device"), number("inode"), pb::integer_at(json, "born_ns")};
	const std::int64_t offset = pb::integer_at(json, "offset", -1), head_size = pb::integer_at(json, "head_size", -1),
					   tail_size = pb::integer_at(json, "tail_size", -1);
	if (m.path.empty() || offset < 0 || head_size < 0 || head_size > 65536 || tail_size < 0 || tail_size > 65536) return {};
	m.offset = static_cast<std::uint64_t>(offset);
	m.head_size = static_cast<std::uint32_t>(head_size);
	m.tail_size = static_cast<std::uint32_t>(tail_size);
	m.head = number("head");
	m.tail = number("tail");
	return m;
}

std::unique_ptr<LogFile> LogFile::open(const std::string &path, std::string &why)
{
	Handle fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)); // non-blocking: a FIFO of that name must not hold us
	if (!fd) {
		why = "open " + path + ": " + std::strerror(errno);
		return nullptr;
	}
	const auto s = Stat::of(fd.get());
	if (!s || !s->is_regular) {
		why = path + " is no regular file";
		return nullptr;
	}
	return std::unique_ptr<LogFile>(new LogFile(std::move(fd), path, *s));
}

LogFile::LogFile(Handle fd_, std::string path_, const Stat &s) : fd(std::move(fd_)), now(s)
{
	here.path = std::move(path_);
	here.identity = s.identity;
	restart();
}

std::string LogFile::bytes_at(std::uint64_t offset, std::size_t size) const
{
	std::string out(size, '\0');
	std::size_t have = 0;
	while (have < size) {
		const ssize_t n = ::pread(fd.get(), out.data() + have, size - have, static_cast<off_t>(offset + have));
		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) break;
		have += static_cast<std::size_t>(n);
	}
	out.resize(have);
	return out;
}

bool LogFile::is_as_marked(const Mark &m) const
{
	if (now.size < m.offset || m.tail_size > m.offset) return false;
	return hash_of(bytes_at(0, m.head_size)) == m.head && hash_of(bytes_at(m.offset - m.tail_size, m.tail_size)) == m.tail;
}

bool LogFile::recognise(const Mark &m)
{
	if (m.identity != here.identity || !is_as_marked(m)) return false;
	known = m.offset;
	return true;
}

LogFile::Change LogFile::look()
{
	const Stat before = now;
	if (const auto s = Stat::of(fd.get())) now = *s;
	const auto named = Stat::of(here.path);
	was_replaced = !named || named->identity != here.identity;

	const bool is_touched = now.size != before.size || now.modified_ns != before.modified_ns;
	const bool is_same_size = now.size == before.size;
	waiting = std::min(waiting, now.size - std::min(now.size, here.offset));
	if (now.size < here.offset || (is_touched && !is_as_marked(here)) || (is_touched && is_same_size && reader.format() == Format::airodump)) {
		// airodump-ng writes its whole file again and again; a change in the middle of one of the same size is such a case.
		restart();
		return Change::rewritten;
	}
	if (now.size < known) known = 0; // cut off while it was read again: the rest will be new
	if (!is_at_end()) return Change::grown;
	return was_replaced ? Change::replaced : Change::none;
}

void LogFile::restart()
{
	reader.reset();
	here.offset = 0;
	here.head_size = here.tail_size = 0;
	here.head = here.tail = hash_of({});
	waiting = known = 0;
	is_skipping = false;
}

bool LogFile::has_known_format() const
{
	const std::string head = bytes_at(0, head_most);
	std::string_view text = head;
	if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
	while (!text.empty() && (text.front() == '\r' || text.front() == '\n')) text.remove_prefix(1); // airodump-ng begins with an empty line
	return format_of(text) != Format::unknown;
}

std::size_t LogFile::lines(std::string_view bytes, Batch &out)
{
	std::size_t at = 0;
	while (at < bytes.size()) {
		const auto *end = static_cast<const char *>(std::memchr(bytes.data() + at, '\n', bytes.size() - at));
		if (!end) break;
		const std::size_t size = static_cast<std::size_t>(end - (bytes.data() + at)) + 1;
		if (is_skipping) is_skipping = false; // the rest of a line that was too long
		else if (size > FieldParser::most_line) out.rejects.add(here.offset + at, "line too long", bytes.substr(at));
		else reader.line(bytes.substr(at, size), here.offset + at, out);
		at += size;
	}
	if (bytes.size() - at > FieldParser::most_line) { // no end in sight: nothing of it is kept
		if (!is_skipping) out.rejects.add(here.offset + at, "line too long", bytes.substr(at));
		is_skipping = true;
		at = bytes.size();
	}
	return at;
}

bool LogFile::read(std::size_t bytes, Batch &out)
{
	constexpr std::size_t piece = 512 << 10;
	static_assert(piece > FieldParser::most_line);
	std::string buffer;
	for (std::size_t done = 0; done < bytes;) {
		// What is known already ends at a line's end: no piece goes over it, so that a batch is either known or new.
		const std::uint64_t stop = here.offset < known ? std::min(known, now.size) : now.size;
		if (here.offset >= stop) break;
		buffer = bytes_at(here.offset, static_cast<std::size_t>(std::min<std::uint64_t>(piece, stop - here.offset)));
		if (buffer.empty()) break;
		const std::size_t used = lines(buffer, out);
		here.offset += used;
		waiting = buffer.size() - used;
		if (used == 0) {
			if (here.offset + waiting >= known) known = 0;
			break;
		}
		done += used;
		if (here.offset == known) {
			known = 0;
			break;
		}
	}
	remark();
	return here.offset + waiting < now.size;
}

void LogFile::remark()
{
	const auto size_of = [&](std::size_t most) { return static_cast<std::uint32_t>(std::min<std::uint64_t>(most, here.offset)); };
	if (here.head_size < head_most && here.head_size < here.offset) {
		here.head_size = size_of(head_most);
		here.head = hash_of(bytes_at(0, here.head_size));
	}
	here.tail_size = size_of(tail_most);
	here.tail = hash_of(bytes_at(here.offset - here.tail_size, here.tail_size));
}

} // namespace csv
