// Is a lock file stale? What can be known of its holder: a PID and when that process began, or the file's age alone.
#include "lock_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <signal.h>

namespace locks {

namespace {

constexpr milliseconds liblockfile_age = std::chrono::minutes(5); // its rule for files that say nothing of their holder
constexpr std::size_t longest_id = 24;

std::string read_small(const std::string &path)
{
	const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
	char buffer[2048];
	const ssize_t n = fd ? ::read(fd.get(), buffer, sizeof buffer) : -1;
	return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : "";
}

/// When the process began, unix ms by today's clock; 0 unknown.
std::int64_t began(std::int64_t pid)
{
	const std::string stat = read_small(fmt::format("/proc/{}/stat", pid));
	auto at = stat.rfind(')'); // the name before it may hold anything
	if (at == std::string::npos) return 0;
	for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
	if (at == std::string::npos) return 0;
	const long long ticks = std::strtoll(stat.c_str() + at, nullptr, 10);
	timespec boot{}, wall{};
	::clock_gettime(CLOCK_BOOTTIME, &boot);
	::clock_gettime(CLOCK_REALTIME, &wall);
	const std::int64_t booted = (wall.tv_sec - boot.tv_sec) * 1000 + (wall.tv_nsec - boot.tv_nsec) / 1'000'000;
	return booted + ticks * 1000 / ::sysconf(_SC_CLK_TCK);
}

bool lives(std::int64_t pid, std::int64_t mtime)
{
	if (::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH) return false;
	// A process that began after the file was written has only got the number of the one that wrote it.
	constexpr std::int64_t slack = 3'000; // clocks' steps and file systems' grain
	return began(pid) <= mtime + slack;
}

std::string name_of(std::int64_t pid)
{
	std::string name = read_small(fmt::format("/proc/{}/comm", pid));
	while (!name.empty() && name.back() == '\n') name.pop_back();
	return name.empty() ? "gone" : name;
}

} // namespace

Verdict judge(std::string_view text, std::int64_t mtime, std::int64_t now, milliseconds stale_after)
{
	if (text.size() > longest_id) return {false, "not a lock file by its content: never taken over", {}};
	while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
	std::int64_t number = 0;
	const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), number);
	if (!text.empty() && (bad != std::errc{} || end != text.data() + text.size() || number < 0))
		return {false, "not a lock file by its content: never taken over", {}};

	constexpr std::int64_t first_time = 1'000'000'000'000, last_pid = 4'194'304; // 2001 in ms; the kernel's largest
	std::int64_t written = mtime;
	// A time ahead of the clock says nothing: the clock has been set back since.
	if (number >= first_time && number <= now) written = std::max(written, number);
	const milliseconds age(std::max<std::int64_t>(0, now - written));

	if (number > 0 && number <= last_pid) {
		if (lives(number, mtime)) return {false, fmt::format("PID {} ({})", number, name_of(number)), age};
		return {age > stale_after, fmt::format("PID {}, which is gone", number), age};
	}
	if (number >= first_time) return {age > stale_after, fmt::format("a program that wrote the time {}", number), age};
	return {age > std::max(stale_after, liblockfile_age), "an unknown program", age};
}

} // namespace locks
