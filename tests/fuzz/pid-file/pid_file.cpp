// PID files as strangers leave them: no number of them is 0, 1, negative or named twice, and those that are written read back.
#include <procs/pid_files.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <set>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	const auto pids = procs::parse_pids({reinterpret_cast<const char *>(data), size});
	std::string text;
	for (const pid_t pid : pids) {
		if (pid <= 1) std::abort();
		text += fmt::format("{}\n", pid);
	}
	if (pids.size() > 64 || std::set<pid_t>(pids.begin(), pids.end()).size() != pids.size()) std::abort();
	if (procs::parse_pids(text) != pids) std::abort();
	return 0;
}
