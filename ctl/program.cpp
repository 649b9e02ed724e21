#include "program.hpp"
#include "failure.hpp"

#include "terminal/text.hpp"

#include <fmt/format.h>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

namespace ctl {

std::string own_folder()
{
	std::array<char, PATH_MAX> path{};
	const ssize_t n = readlink("/proc/self/exe", path.data(), path.size() - 1);
	const std::string_view text(path.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
	return std::string(text.substr(0, text.rfind('/') == std::string_view::npos ? 0 : text.rfind('/')));
}

std::string daemon_path()
{
	if (const char *given = std::getenv("PATCHBAYD"); given && *given) return given;
	const std::string beside = own_folder() + "/patchbayd";
	return access(beside.c_str(), X_OK) == 0 ? beside : "patchbayd";
}

int run_program(const std::vector<std::string> &command)
{
	std::vector<char *> argv;
	for (const std::string &word : command) argv.push_back(const_cast<char *>(word.c_str()));
	argv.push_back(nullptr);
	pid_t pid = 0;
	if (const int why = posix_spawnp(&pid, argv[0], nullptr, nullptr, argv.data(), environ); why != 0)
		throw Failure(not_done, fmt::format("{} cannot be run: {}", harmless(command[0]), std::strerror(why)));
	int status = 0;
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace ctl
