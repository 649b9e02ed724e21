#include "state/folder.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

namespace core::state {

namespace {
constexpr std::size_t most_aside = 10;
constexpr std::array suffixes{"", "-wal", "-shm"};

bool make_folder(const std::string &path)
{
	for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
		if (mkdir(path.substr(0, slash).c_str(), 0755) != 0 && errno != EEXIST) return false;
	return mkdir(path.c_str(), 0750) == 0 || errno == EEXIST;
}

std::string holder_of(int fd)
{
	std::array<char, 32> text{};
	const ssize_t n = pread(fd, text.data(), text.size() - 1, 0);
	const std::string_view pid(text.data(), n > 0 ? std::min<std::size_t>(static_cast<std::size_t>(n), std::strspn(text.data(), "0123456789")) : 0);
	return pid.empty() ? "" : fmt::format(" (PID {})", pid);
}

bool exists(const std::string &path)
{
	struct stat about {};
	return lstat(path.c_str(), &about) == 0;
}

/// Names begin with the reason, but end in the time: so that sorts.
void remove_oldest(const std::string &directory)
{
	const std::unique_ptr<DIR, int (*)(DIR *)> dir(opendir(directory.c_str()), &closedir);
	if (!dir) return;
	std::vector<std::string> names;
	while (const dirent *entry = readdir(dir.get())) {
		const std::string_view name = entry->d_name;
		if (name.starts_with("state.db.") && !name.ends_with("-wal") && !name.ends_with("-shm") && name.find('-') != std::string_view::npos)
			names.emplace_back(name);
	}
	if (names.size() <= most_aside) return;
	std::ranges::sort(names, {}, [](const std::string &n) { return n.substr(n.find('-')); });
	for (std::size_t i = 0; i + most_aside < names.size(); ++i)
		for (const char *suffix : suffixes) std::remove(fmt::format("{}/{}{}", directory, names[i], suffix).c_str());
}

/// A daemon that was killed while it started a process holds its lock for a moment more: until that one has come to its exec.
bool lock_soon(int fd) noexcept
{
	constexpr int tries = 100;
	constexpr timespec pause{0, 10'000'000};
	for (int i = 0; i < tries; ++i) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
		if (errno != EWOULDBLOCK && errno != EINTR) return false;
		nanosleep(&pause, nullptr);
	}
	errno = EWOULDBLOCK;
	return false;
}

} // namespace

Folder::Folder(Folder &&other) noexcept : directory(std::move(other.directory)), lock(std::exchange(other.lock, -1)) {}

Folder &Folder::operator=(Folder &&other) noexcept
{
	std::swap(directory, other.directory);
	std::swap(lock, other.lock);
	return *this;
}

Folder::~Folder()
{
	if (lock >= 0) close(lock); // and with it the lock
}

Result<Folder> Folder::claim(const std::string &directory)
{
	Folder out;
	out.directory = directory;
	while (out.directory.size() > 1 && out.directory.ends_with('/')) out.directory.pop_back();
	if (!make_folder(out.directory)) return fail(fmt::format("state folder {}: cannot be made: {}", directory, std::strerror(errno)), 500, "STATE_ERROR");
	const std::string file = out.directory + "/state.lock";
	out.lock = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	if (out.lock < 0) return fail(fmt::format("state folder {}: cannot be written to: {}", directory, std::strerror(errno)), 500, "STATE_ERROR");
	if (!lock_soon(out.lock)) {
		if (errno != EWOULDBLOCK) return fail(fmt::format("{}: cannot be locked: {}", file, std::strerror(errno)), 500, "STATE_ERROR");
		return fail(fmt::format("state folder {}: another patchbayd{} uses it; give this one its own with --state-dir", directory, holder_of(out.lock)), 500,
			"STATE_IN_USE");
	}
	const std::string pid = fmt::format("{}\n", getpid());
	if (ftruncate(out.lock, 0) != 0 || pwrite(out.lock, pid.data(), pid.size(), 0) < 0) {} // for people; the lock holds without
	return out;
}

Result<void> Folder::prepare_database() const
{
	const int fd = open(database().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
	if (fd < 0) return fail(fmt::format("{}: cannot be opened: {}", database(), std::strerror(errno)), 500, errno == EISDIR ? "STATE_CORRUPT" : "STATE_ERROR");
	struct stat about {};
	const bool is_file = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
	close(fd);
	if (!is_file) return fail(fmt::format("{}: is no regular file", database()), 500, "STATE_CORRUPT");
	return {};
}

Result<std::string> Folder::set_aside(const char *why) const
{
	const std::string stem = fmt::format("{}.{}-{:%Y%m%dT%H%M%SZ}", database(), why, fmt::gmtime(std::time(nullptr)));
	std::string name = stem;
	for (int n = 2; exists(name); ++n) name = fmt::format("{}.{}", stem, n);
	if (rename(database().c_str(), name.c_str()) != 0)
		return fail(fmt::format("{}: cannot be set aside: {}", database(), std::strerror(errno)), 500, "STATE_ERROR");
	for (const char *suffix : {"-wal", "-shm"})
		if (exists(database() + suffix) && rename((database() + suffix).c_str(), (name + suffix).c_str()) != 0 && unlink((database() + suffix).c_str()) != 0)
			return fail(fmt::format("{}{}: cannot be set aside: {}", database(), suffix, std::strerror(errno)), 500,
				"STATE_ERROR"); // it would be taken for the new one's
	remove_oldest(directory);
	sync();
	return name;
}

void Folder::sync() const noexcept
{
	const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) return;
	fsync(fd);
	close(fd);
}

} // namespace core::state
