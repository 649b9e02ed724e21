// One log that grows, is rotated, truncated, rewritten or removed under us: read from where we were, whole lines only.
#pragma once
#include "csv/log_reader.hpp"

#include <patchbay/json.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace csv {

/// Owns a descriptor.
class Handle {
public:
	Handle() = default;
	explicit Handle(int fd_) noexcept : fd(fd_) {}
	Handle(Handle &&o) noexcept : fd(std::exchange(o.fd, -1)) {}
	Handle &operator=(Handle &&o) noexcept
	{
		std::swap(fd, o.fd);
		return *this;
	}
	~Handle();
	[[nodiscard]] int get() const noexcept { return fd; }
	explicit operator bool() const noexcept { return fd >= 0; }

private:
	int fd = -1;
};

/// Which file it is. An inode number comes back after a removal, so the time of birth belongs to it.
struct Identity {
	std::uint64_t device = 0, inode = 0;
	std::int64_t born_ns = 0; // 0: the file system does not tell
	bool operator==(const Identity &) const = default;
};

/// A look at a file's metadata.
struct Stat {
	Identity identity;
	std::uint64_t size = 0;
	std::int64_t modified_ns = 0;
	bool is_regular = false, is_removed = false;
	[[nodiscard]] static std::optional<Stat> of(int fd);
	[[nodiscard]] static std::optional<Stat> of(const std::string &path);
};

/// Where we are in a file, as it is kept over restarts. The hashes tell a file that was rewritten in place from one that grew.
struct Mark {
	std::string path;
	Identity identity;
	std::uint64_t offset = 0; // the end of the last whole line that was read
	std::uint32_t head_size = 0, tail_size = 0;
	std::uint64_t head = 0, tail = 0; // of the first bytes, and of the last ones before offset

	[[nodiscard]] pb::Json json() const;
	[[nodiscard]] static std::optional<Mark> from(const json_t *json);
};

/// One thread at a time; all of it may block. Never writes, never locks.
class LogFile {
public:
	/// The path must name a regular file. nullptr with `why` where it cannot be read.
	static std::unique_ptr<LogFile> open(const std::string &path, std::string &why);

	/// What has become of the file. rewritten: it is no longer what was read; the next read begins at its beginning.
	/// replaced: another file has its name; this one is to be read to its end, and then given up.
	enum class Change { none, grown, rewritten, replaced };
	Change look();
	/// At most `bytes` of whole lines. False: there is nothing more to read now.
	bool read(std::size_t bytes, Batch &out);
	/// Is this the file of the mark, and does it still begin and go on as it did? Then rows before its offset are known.
	bool recognise(const Mark &mark);

	/// It is the same file under another name.
	void rename(const std::string &path) { here.path = path; }

	[[nodiscard]] const Mark &mark() const noexcept { return here; }
	[[nodiscard]] const std::string &path() const noexcept { return here.path; }
	[[nodiscard]] const Stat &stat() const noexcept { return now; }
	[[nodiscard]] Format format() const noexcept { return reader.format(); }
	[[nodiscard]] std::uint64_t rows() const noexcept { return reader.rows(); }
	[[nodiscard]] bool is_at_end() const noexcept { return here.offset + waiting >= now.size; }
	/// Rows before this offset have been told of in an earlier life.
	[[nodiscard]] std::uint64_t known_until() const noexcept { return known; }
	[[nodiscard]] bool is_replaced() const noexcept { return was_replaced; }
	/// The first lines name a format; nothing is read yet.
	[[nodiscard]] bool has_known_format() const;

private:
	LogFile(Handle fd_, std::string path_, const Stat &s);
	void restart();
	[[nodiscard]] bool is_as_marked(const Mark &mark) const;
	void remark();
	[[nodiscard]] std::size_t lines(std::string_view bytes, Batch &out);
	[[nodiscard]] std::string bytes_at(std::uint64_t offset, std::size_t size) const;

	static constexpr std::size_t head_most = 1024, tail_most = 256;
	Handle fd;
	Stat now;
	Mark here;
	LogReader reader;
	std::uint64_t waiting = 0; // bytes of a half line behind offset
	std::uint64_t known = 0;
	bool is_skipping = false; // in a line that is too long, until its end
	bool was_replaced = false;
};

} // namespace csv
