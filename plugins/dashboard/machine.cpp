#include "machine.hpp"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace dashboard {

namespace {
/// The beginning of a small file; "" where it cannot be read.
std::string head_of(const char *path)
{
	const std::unique_ptr<FILE, int (*)(FILE *)> f(std::fopen(path, "re"), &std::fclose);
	if (!f) return {};
	std::array<char, 4096> text{};
	return {text.data(), std::fread(text.data(), 1, text.size(), f.get())};
}

std::int64_t kilobytes_at(const std::string &text, const char *key)
{
	const std::size_t at = text.find(key);
	return at == std::string::npos ? -1 : std::strtoll(text.c_str() + at + std::strlen(key), nullptr, 10) * 1024;
}

void read_processors(Machine &m)
{
	std::array<double, 8> v{}; // user nice system idle iowait irq softirq steal
	if (std::sscanf(head_of("/proc/stat").c_str(), "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) < 4) return;
	m.total = v[0] + v[1] + v[2] + v[3] + v[4] + v[5] + v[6] + v[7];
	m.busy = m.total - v[3] - v[4];
}

void read_temperature(Machine &m)
{
	for (int zone = 0; zone < 16; ++zone) {
		const std::string text = head_of(("/sys/class/thermal/thermal_zone" + std::to_string(zone) + "/temp").c_str());
		if (text.empty()) continue;
		const double celsius = std::strtod(text.c_str(), nullptr) / 1000;
		if (celsius > -100 && celsius < 200) m.temperature = std::max(m.temperature, celsius);
	}
}
} // namespace

std::int64_t steady_ns() noexcept { return std::chrono::steady_clock::now().time_since_epoch().count(); }

Machine read_machine(const std::string &folder)
{
	Machine m;
	(void)std::sscanf(head_of("/proc/loadavg").c_str(), "%lf", &m.load);
	(void)std::sscanf(head_of("/proc/uptime").c_str(), "%lf", &m.uptime);
	read_processors(m);
	read_temperature(m);
	const std::string memory = head_of("/proc/meminfo");
	m.memory_total = kilobytes_at(memory, "MemTotal:");
	m.memory_available = kilobytes_at(memory, "MemAvailable:");
	long size = 0, resident = 0;
	if (std::sscanf(head_of("/proc/self/statm").c_str(), "%ld %ld", &size, &resident) == 2) m.resident = resident * sysconf(_SC_PAGESIZE);
	rusage usage{};
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		m.process_seconds =
			static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	struct statvfs disk {};
	if (statvfs(folder.c_str(), &disk) == 0) {
		m.disk_total = static_cast<std::int64_t>(disk.f_blocks) * static_cast<std::int64_t>(disk.f_frsize);
		m.disk_free = static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize);
	}
	m.read_at_ns = steady_ns();
	return m;
}

} // namespace dashboard
