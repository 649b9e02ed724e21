#include "machine.hpp"

#include "text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace webhook {

namespace {
using namespace std::chrono_literals;
constexpr auto disk_interval = 5s;

/// As Node.js names them.
constexpr const char *arch() noexcept
{
#if defined(__x86_64__)
	return "x64";
#elif defined(__aarch64__)
	return "arm64";
#elif defined(__arm__)
	return "arm";
#elif defined(__i386__)
	return "ia32";
#elif defined(__riscv)
	return "riscv64";
#else
	return "unknown";
#endif
}

/// A file of /proc, which is in memory: no disk is asked.
std::string read_proc(const char *path)
{
	std::string out(8192, '\0');
	const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : ::read(fd, out.data(), out.size());
	if (fd >= 0) ::close(fd);
	out.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
	return out;
}

/// The number behind `name` in /proc/meminfo, in bytes.
double memory_line(std::string_view text, std::string_view name) noexcept
{
	const std::size_t at = text.find(name);
	if (at == std::string_view::npos) return 0;
	const char *from = text.data() + at + name.size(), *const end = text.data() + text.size();
	while (from < end && *from == ' ') ++from;
	std::uint64_t kib = 0;
	std::from_chars(from, end, kib);
	return static_cast<double>(kib) * 1024;
}

Space memory()
{
	const std::string text = read_proc("/proc/meminfo");
	Space s;
	s.total = memory_line(text, "MemTotal:");
	s.free = memory_line(text, "MemAvailable:");
	s.used = s.total - s.free;
	if (s.total > 0) s.percentage = s.used / s.total * 100;
	return s;
}

Space space_of(const char *path)
{
	struct statvfs v {};
	Space s;
	if (::statvfs(path, &v) != 0) return s;
	const double unit = static_cast<double>(v.f_frsize);
	s.total = static_cast<double>(v.f_blocks) * unit;
	s.free = static_cast<double>(v.f_bavail) * unit;
	s.used = s.total - static_cast<double>(v.f_bfree) * unit;
	if (s.used + s.free > 0) s.percentage = s.used / (s.used + s.free) * 100; // as df has it
	return s;
}

pb::Json json_of(const Space &s)
{
	if (s.total <= 0) return {{"total", nullptr}, {"free", nullptr}, {"used", nullptr}, {"percentage", nullptr}};
	const auto bytes = [](double v) { return static_cast<std::int64_t>(v); };
	return {{"total", bytes(s.total)}, {"free", bytes(s.free)}, {"used", bytes(s.used)}, {"percentage", rounded(s.percentage)}};
}

bool is_folder(const std::string &path)
{
	struct stat s {};
	return ::stat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode);
}
} // namespace

Machine::Machine(pb::Scope &scope_, std::string config_dir_) : scope(scope_), config_dir(std::move(config_dir_)) { look(); }

void Machine::look()
{
	const auto now = std::chrono::steady_clock::now();
	if (is_looking || (looked_at != std::chrono::steady_clock::time_point{} && now - looked_at < disk_interval)) return;
	looked_at = now;
	is_looking = scope.work(
		[folder = config_dir] {
			return Disk{space_of("/"), is_folder(folder)};
		},
		[this](Disk found) noexcept {
			disk = found;
			is_looking = false;
		});
}

double Machine::memory_total() noexcept
{
	if (total <= 0) total = memory().total;
	return total;
}

pb::Json Machine::json()
{
	look();
	std::array<char, 256> host{};
	if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
	std::array<double, 3> load{};
	pb::Json average = pb::Json::array();
	if (::getloadavg(load.data(), 3) == 3)
		for (const double l : load) average.push(rounded(l));
	timespec up{};
	::clock_gettime(CLOCK_BOOTTIME, &up);
	return {{"hostname", host.data()}, {"platform", "linux"}, {"arch", arch()}, {"uptime", static_cast<std::int64_t>(up.tv_sec)},
		{"loadAverage", std::move(average)}, {"memory", json_of(memory())}, {"disk", json_of(disk.space)}};
}

pb::Json own_memory()
{
	const std::string text = read_proc("/proc/self/statm");
	const double page = static_cast<double>(::sysconf(_SC_PAGESIZE));
	char *rest = nullptr;
	const double vms = std::strtod(text.c_str(), &rest) * page, rss = std::strtod(rest, nullptr) * page;
	return {{"rss", static_cast<std::int64_t>(rss)}, {"vms", static_cast<std::int64_t>(vms)}};
}

double own_uptime()
{
	// Field 22 of stat: the start in ticks after boot. The name in brackets may hold anything.
	const std::string text = read_proc("/proc/self/stat");
	const char *at = std::strrchr(text.c_str(), ')');
	for (int field = 2; at && field < 22; ++field)
		if ((at = std::strchr(at, ' '))) ++at;
	if (!at) return 0;
	timespec up{};
	::clock_gettime(CLOCK_BOOTTIME, &up);
	const double now = static_cast<double>(up.tv_sec) + static_cast<double>(up.tv_nsec) / 1e9;
	return rounded(now - std::strtod(at, nullptr) / static_cast<double>(::sysconf(_SC_CLK_TCK)));
}

} // namespace webhook
