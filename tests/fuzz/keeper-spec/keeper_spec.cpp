// A keeper's spec as its own C code reads it, from a file: whatever stands there, what is accepted can be run.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

extern "C" {
#include <procs/keeper/keeper.h>
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	static const bool is_placed = [] {
		static char folder[] = "/tmp/fuzz-spec-XXXXXX";
		std::atexit([] {
			::unlink("spec");
			::rmdir(folder);
		});
		return ::mkdtemp(folder) && ::chdir(folder) == 0;
	}();
	const int fd = is_placed ? ::open("spec", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	if (fd < 0 || ::write(fd, data, size) != static_cast<ssize_t>(size)) std::abort();
	::close(fd);
	static keeper k;
	static spec s;
	k = {};
	s = {};
	if (read_spec(&k, &s)) {
		if (s.arg_count == 0 || s.args[s.arg_count] || s.env[s.env_count] || s.umask > 0777 || k.stop_signal < 1 || k.stop_signal > 64) std::abort();
		for (unsigned i = 0; i < s.env_count; ++i)
			if (!std::strchr(s.env[i], '=')) std::abort();
	}
	if (s.map) ::munmap(s.map, s.map_size);
	return 0;
}
