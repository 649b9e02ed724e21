// A file in a plugin folder: vetted, and copied to a private place. The file in the folder itself is never mapped, since a
// `cp` over it would change the code under those who run it.
#pragma once
#include "host/elf.hpp"

#include <sys/types.h>

#include <string>

namespace core::host {

/// A private copy. Owns the file: it is unlinked with this.
class PrivateCopy final {
public:
	PrivateCopy() = default;
	explicit PrivateCopy(std::string path_) : file(std::move(path_)) {}
	PrivateCopy(PrivateCopy &&o) noexcept : file(std::exchange(o.file, {})) {}
	PrivateCopy &operator=(PrivateCopy &&o) noexcept
	{
		std::swap(file, o.file);
		return *this;
	}
	~PrivateCopy();
	[[nodiscard]] const std::string &path() const noexcept { return file; }

private:
	std::string file;
};

/// Tells one state of a file from another.
struct Stamp {
	dev_t device = 0;
	ino_t inode = 0;
	off_t size = 0;
	timespec modified{}, changed{};
	bool operator==(const Stamp &o) const noexcept;
};

struct PluginFile {
	Descriptor descriptor;
	PrivateCopy copy;
};

/// Where copies lie: a folder of this process alone (0700), gone with it.
class CopyFolder final {
public:
	/// Beneath the first of these that takes it and is not mounted noexec: `preferred`, $TMPDIR, /tmp.
	explicit CopyFolder(const std::string &preferred);
	~CopyFolder();
	CopyFolder(const CopyFolder &) = delete;
	CopyFolder &operator=(const CopyFolder &) = delete;
	/// "gpsd-3.so": readable, since debuggers and profilers name frames by it.
	[[nodiscard]] std::string next(std::string_view name);
	[[nodiscard]] const std::string &path() const noexcept { return folder; }

private:
	std::string folder;
	unsigned count = 0;
};

[[nodiscard]] Result<Stamp> stamp_of(const std::string &path);
/// Owner, mode, size, ABI; then the copy. May block for as long as it takes to read a file of at most 64 MiB.
[[nodiscard]] Result<PluginFile> take(const std::string &path, CopyFolder &folder);
/// A folder that others can write to is nobody's plugin folder. Empty: fine.
[[nodiscard]] std::string folder_problem(const std::string &path);

} // namespace core::host
