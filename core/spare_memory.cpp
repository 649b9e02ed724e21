#include "spare_memory.hpp"

#include <malloc.h>
#include <sys/mman.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>

namespace core {

namespace {

/// One mapping of /proc/self/smaps, from its head line on.
struct Mapping {
	std::uintptr_t begin = 0, end = 0;
	bool is_ours_to_drop = false;  // a file's, and not writable
	unsigned long private_kib = 0; // written to before it became read-only (relocations): the file does not hold that
};

void drop(const Mapping &m) noexcept
{
	if (m.is_ours_to_drop && m.private_kib == 0) madvise(reinterpret_cast<void *>(m.begin), m.end - m.begin, MADV_DONTNEED);
}

} // namespace

void give_back_spare_memory() noexcept
{
	malloc_trim(0);
	const std::unique_ptr<FILE, int (*)(FILE *)> smaps(std::fopen("/proc/self/smaps", "re"), &std::fclose);
	if (!smaps) return;
	Mapping m;
	std::array<char, 4352> line{}; // a path of PATH_MAX and what stands before it
	while (std::fgets(line.data(), line.size(), smaps.get())) {
		unsigned long begin = 0, end = 0, inode = 0;
		std::array<char, 5> mode{};
		if (std::sscanf(line.data(), "%lx-%lx %4s %*x %*x:%*x %lu", &begin, &end, mode.data(), &inode) == 4) {
			drop(m);
			m = {begin, end, inode != 0 && mode[0] == 'r' && mode[1] == '-' && mode[3] == 'p', 0};
		} else if (std::strncmp(line.data(), "Anonymous:", 10) == 0) {
			std::sscanf(line.data() + 10, "%lu", &m.private_kib);
		}
	}
	drop(m);
}

} // namespace core
