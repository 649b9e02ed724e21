/* spawn.c: from the spec to a running command. The order in the child is the measured one: what needs privileges, and what a
 * change of user would forbid, comes before it. */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif

/* From the child: first where it stands in cgroups, then, only where it fails, why. */
struct child_status {
	int step, error;
	uint64_t cgns;
	bool is_in_cgroup;
};

static void fail(int fd, int step)
{
	const struct child_status s = {.step = step, .error = errno};
	(void)!write(fd, &s, sizeof s);
	_exit(127);
}

static bool write_small(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0) return false;
	const bool is_written = write(fd, text, strlen(text)) > 0;
	close(fd);
	return is_written;
}

static bool enter_cgroup(const char *cgroup)
{
	char path[288];
	struct text t = {path, path + sizeof path};
	put(&t, cgroup);
	put(&t, "/cgroup.procs");
	return write_small(path, "0");
}

static void reset_signals(void)
{
	sigset_t none;
	for (int i = 1; i < 65; ++i) signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void set_up(const struct spec *s, int fd)
{
	char number[24];
	struct text t = {number, number + sizeof number};
	put_number(&t, s->has_oom ? s->oom : 0); /* the keeper's own is not for its children */
	if (!write_small("/proc/self/oom_score_adj", number) && s->has_oom) fail(fd, KEEP_STEP_OOM);
	if (s->has_nice && setpriority(PRIO_PROCESS, 0, s->nice) != 0) fail(fd, KEEP_STEP_NICE);
	if (s->has_ioprio && syscall(SYS_ioprio_set, 1, 0, s->io_class << 13 | s->io_level) != 0) fail(fd, KEEP_STEP_IOPRIO);
	for (unsigned i = 0; i < s->limit_count; ++i) {
		const uint64_t r[2] = {s->limits[i].soft, s->limits[i].hard};
		if (syscall(SYS_prlimit64, 0, s->limits[i].resource, r, NULL) != 0) fail(fd, KEEP_STEP_LIMIT);
	}
	if (s->has_ids) {
		if (setgroups(s->group_count, s->groups) != 0) fail(fd, KEEP_STEP_GROUPS);
		if (setresgid(s->gid, s->gid, s->gid) != 0) fail(fd, KEEP_STEP_GID);
		if (setresuid(s->uid, s->uid, s->uid) != 0) fail(fd, KEEP_STEP_UID);
	}
	if (chdir(s->directory ? s->directory : "/") != 0) fail(fd, KEEP_STEP_DIRECTORY);
	umask(s->umask);
}

static const char *find_path(const struct spec *s)
{
	for (unsigned i = 0; i < s->env_count; ++i)
		if (!strncmp(s->env[i], "PATH=", 5)) return s->env[i] + 5;
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* Never through a shell: what is not executable fails. */
static void run(struct spec *s)
{
	char path[4096];
	int worst = ENOENT;
	if (strchr(s->args[0], '/')) {
		execve(s->args[0], s->args, s->env);
		return;
	}
	for (const char *p = find_path(s); *p;) {
		const size_t n = strcspn(p, ":");
		if (n + strlen(s->args[0]) + 2 <= sizeof path && n > 0) {
			memcpy(path, p, n);
			path[n] = '/';
			strcpy(path + n + 1, s->args[0]);
			execve(path, s->args, s->env);
			if (errno != ENOENT && errno != ENOTDIR) worst = errno;
		}
		p += n + (p[n] == ':');
	}
	errno = worst;
}

/* Born in the cgroup, where the kernel can: a move waits for all processors, up to 20 ms. The folder is new: in one that was
 * killed before, some kernels end the child at once. */
static pid_t fork_into(const char *cgroup, bool *is_inside)
{
	const uint64_t into_cgroup = 0x200000000u;
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
	} how = {.flags = into_cgroup, .exit_signal = SIGCHLD};
	const int fd = cgroup[0] ? open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		how.cgroup = (uint64_t)fd;
		*is_inside = true; /* as the child sees it */
		const pid_t pid = (pid_t)syscall(SYS_clone3, &how, sizeof how);
		if (pid == 0) return 0;
		close(fd);
		if (pid > 0) return pid;
		*is_inside = false;
	}
	return fork();
}

static void run_child(const struct keeper *k, struct spec *s, int fd, int null, int out, int err, bool is_inside)
{
	struct child_status status = {.is_in_cgroup = is_inside};
	struct stat st;
	char go;
	setsid();
	reset_signals();
	if (dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) fail(fd, KEEP_STEP_FORK);
	if (k->cgroup[0] && !is_inside) status.is_in_cgroup = enter_cgroup(k->cgroup);
	if (s->wants_cgns && unshare(CLONE_NEWCGROUP) == 0 && stat("/proc/self/ns/cgroup", &st) == 0) status.cgns = st.st_ino;
	if (write(fd, &status, sizeof status) != sizeof status || read(fd, &go, 1) != 1) _exit(127);
	set_up(s, fd);
	run(s);
	fail(fd, KEEP_STEP_EXEC);
}

static bool open_streams(struct keeper *k, int *out, int *err)
{
	int o[2], e[2];
	if (pipe2(o, O_CLOEXEC) != 0) return false;
	if (pipe2(e, O_CLOEXEC) != 0) return false;
	k->out.fd = o[0];
	k->err.fd = e[0];
	*out = o[1];
	*err = e[1];
	return fcntl(o[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(e[0], F_SETFL, O_NONBLOCK) == 0;
}

void remove_cgroup(struct keeper *k)
{
	if (k->cgroup[0]) rmdir(k->cgroup);
}

static void close_status(struct keeper *k)
{
	close(k->exec_status);
	k->exec_status = -1;
}

bool spawn(struct keeper *k, struct spec *s, int null)
{
	int out = -1, err = -1, pair[2];
	struct child_status status;
	k->step = KEEP_STEP_FORK;
	if (!open_streams(k, &out, &err) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return k->error = errno, false;
	if (k->cgroup[0] && mkdir(k->cgroup, 0755) != 0) k->cgroup[0] = 0;
	bool is_inside = false;
	const pid_t pid = fork_into(k->cgroup, &is_inside);
	if (pid == 0) {
		close(pair[0]);
		run_child(k, s, pair[1], null, out, err, is_inside);
	}
	k->error = errno;
	close(pair[1]);
	close(out);
	close(err);
	k->exec_status = pair[0];
	if (pid < 0) return close_status(k), false;
	set_main(k, pid);
	if (read(pair[0], &status, sizeof status) != sizeof status) status = (struct child_status){.step = KEEP_STEP_FORK, .error = ECHILD};
	if (status.step) return k->step = status.step, k->error = status.error, close_status(k), false;
	if (!status.is_in_cgroup) {
		remove_cgroup(k);
		k->cgroup[0] = 0;
	}
	k->cgns = status.cgns;
	k->step = k->error = 0;
	return true;
}

void release(struct keeper *k) { (void)!write(k->exec_status, "", 1); }

void on_exec_status(struct keeper *k, struct spec *s)
{
	struct child_status status = {0};
	struct process_stat st;
	const ssize_t n = read(k->exec_status, &status, sizeof status);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
	close_status(k);
	if (n == 0 && stat_process(k->main, &st) && !st.has_execed) status = (struct child_status){.step = KEEP_STEP_EXEC, .error = ECHILD}; /* killed on the way */
	if (status.step) {
		k->step = status.step;
		k->error = status.error;
		return; /* its exit follows */
	}
	k->is_started = true;
	if (s->map) munmap(s->map, s->map_size);
	s->map = NULL;
	send_hello(k);
}
