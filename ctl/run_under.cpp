// A command that runs while a lock is held: its own process, its own exit status, our signals.
#include "held_lock.hpp"

#include "failure.hpp"
#include "terminal/text.hpp"

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace ctl {

namespace {

constexpr std::array passed_on{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT, SIGWINCH};

/// Blocks what is passed on and SIGCHLD, and gives them by a descriptor.
class Signals final {
public:
	Signals()
	{
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGCHLD);
		for (const int s : passed_on) sigaddset(&set, s);
		sigprocmask(SIG_BLOCK, &set, &before);
		fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	}
	Signals(const Signals &) = delete;
	Signals &operator=(const Signals &) = delete;
	~Signals()
	{
		close(fd);
		sigprocmask(SIG_SETMASK, &before, nullptr);
	}
	/// What came goes to `child`, but for what the terminal has sent to it as well.
	void pass_on(pid_t child) const
	{
		signalfd_siginfo s{};
		while (read(fd, &s, sizeof s) == static_cast<ssize_t>(sizeof s)) {
			const bool is_terminals = s.ssi_code == SI_KERNEL;
			if (s.ssi_signo != SIGCHLD && !is_terminals) (void)kill(child, static_cast<int>(s.ssi_signo));
		}
	}
	sigset_t before{};
	int fd = -1;
};

/// In the child: never comes back. An errno goes through `report`, which exec closes.
[[noreturn]] void become(const std::vector<std::string> &command, const sigset_t &mask, pid_t parent, int report)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM); // no command goes on without its lock
	if (getppid() != parent) _exit(not_done);
	std::vector<char *> argv;
	for (const std::string &word : command) argv.push_back(const_cast<char *>(word.c_str()));
	argv.push_back(nullptr);
	sigprocmask(SIG_SETMASK, &mask, nullptr);
	execvp(argv[0], argv.data());
	const int why = errno;
	(void)!write(report, &why, sizeof why);
	_exit(not_found);
}

struct Child {
	pid_t pid;
	int error; // of exec; 0: it runs
};

Child begin(const std::vector<std::string> &command, const sigset_t &mask)
{
	std::array<int, 2> report{};
	if (pipe2(report.data(), O_CLOEXEC) != 0) return {-1, errno};
	const pid_t self = getpid(), pid = fork();
	if (pid == 0) become(command, mask, self, report[1]);
	int error = pid < 0 ? errno : 0;
	close(report[1]);
	if (pid > 0) {
		ssize_t n;
		while ((n = read(report[0], &error, sizeof error)) == -1 && errno == EINTR) {}
		if (n != static_cast<ssize_t>(sizeof error)) error = 0;
	}
	close(report[0]);
	return {pid, error};
}

/// Every open descriptor.
std::set<int> open_descriptors()
{
	std::set<int> out;
	const std::unique_ptr<DIR, int (*)(DIR *)> dir(opendir("/proc/self/fd"), &closedir);
	while (const dirent *entry = dir ? readdir(dir.get()) : nullptr)
		if (entry->d_name[0] != '.') out.insert(std::atoi(entry->d_name));
	if (dir) out.erase(dirfd(dir.get()));
	return out;
}

} // namespace

Inherited::Inherited() : descriptors(open_descriptors()) {}

void Inherited::keep_no_others() const
{
	for (const int fd : open_descriptors()) // libcurl leaves some open
		if (!descriptors.contains(fd)) (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int run_under(HeldLock &lock, const std::vector<std::string> &command, bool is_strict)
{
	const Signals signals;
	const Child child = begin(command, signals.before);
	if (child.error != 0) {
		if (child.pid > 0) waitpid(child.pid, nullptr, 0);
		note(fmt::format("{}: {}", harmless(command[0]), std::strerror(child.error)));
		return child.error == ENOENT ? not_found : not_executable;
	}
	bool is_told = false;
	for (;;) {
		int status = 0;
		const pid_t ended = waitpid(child.pid, &status, WNOHANG);
		if (ended == child.pid) return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		if (!lock.failure().empty() && !std::exchange(is_told, true)) {
			note(fmt::format("{}; {}", lock.failure(), is_strict ? "the command is told to end" : "the command goes on without it"));
			if (is_strict) (void)kill(child.pid, SIGTERM);
		}
		lock.wait(signals.fd, 1000);
		signals.pass_on(child.pid);
	}
}

} // namespace ctl
