#include "program.hpp"
#include "failure.hpp"

#include "terminal/text.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
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

namespace {

constexpr std::size_t most_said = 64 * 1024;
constexpr std::chrono::seconds limit{20};

/// Reads until the program ends or the time is over; false: it is over.
bool listen(int fd, std::string &said)
{
	const auto until = std::chrono::steady_clock::now() + limit;
	std::array<char, 4096> bytes{};
	for (;;) {
		const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
		pollfd p{fd, POLLIN, 0};
		const int ready = left > 0 ? poll(&p, 1, static_cast<int>(left)) : 0;
		if (ready == 0) return false;
		const ssize_t n = ready > 0 ? read(fd, bytes.data(), bytes.size()) : -1;
		if (n == -1 && errno == EINTR) continue;
		if (n <= 0) return true;
		if (said.size() < most_said) said.append(bytes.data(), static_cast<std::size_t>(n));
	}
}

} // namespace

int run_program(const std::vector<std::string> &command, std::string *said)
{
	std::vector<char *> argv;
	for (const std::string &word : command) argv.push_back(const_cast<char *>(word.c_str()));
	argv.push_back(nullptr);
	std::array<int, 2> pipe_ends{-1, -1};
	if (said && pipe2(pipe_ends.data(), O_CLOEXEC) != 0)
		throw Failure(not_done, fmt::format("{} cannot be run: {}", harmless(command[0]), std::strerror(errno)));
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	if (said) {
		posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
		for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], fd);
	}
	pid_t pid = 0;
	const int why = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
	posix_spawn_file_actions_destroy(&actions);
	if (said) close(pipe_ends[1]);
	if (why == 0 && said && !listen(pipe_ends[0], *said)) kill(pid, SIGKILL);
	if (said) close(pipe_ends[0]);
	if (why != 0) throw Failure(not_done, fmt::format("{} cannot be run: {}", harmless(command[0]), std::strerror(why)));
	int status = 0;
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace ctl
