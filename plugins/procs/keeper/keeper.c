/* keeper.c: stands between the daemon and one command, and lives as long as the last process of the command's tree.
 * protocol.h tells the whole exchange. One thread, one poll; it waits without a timeout while nothing is due. */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PARTIAL_MS = 1000, ROUND_MS = 5, SLOW_ROUND_MS = 50, SURVIVOR_MS = 5000, ACK_MS = 5000 };

static int64_t clock_ms(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t monotonic_ms(void) { return clock_ms(CLOCK_MONOTONIC); }
int64_t unix_ms(void) { return clock_ms(CLOCK_REALTIME); }

void set_main(struct keeper *k, pid_t pid)
{
	struct process_stat s;
	if (k->main_fd >= 0) close(k->main_fd);
	k->main = pid;
	k->is_main_gone = !stat_process(pid, &s);
	k->main_start = k->is_main_gone ? 0 : s.start;
	k->main_fd = k->is_main_gone || s.parent == k->self ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
}

static void kill_cgroup(struct keeper *k)
{
	char path[288];
	struct text t = {path, path + sizeof path};
	if (!k->cgroup[0]) return;
	put(&t, k->cgroup);
	put(&t, "/cgroup.kill");
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0) return;
	(void)!write(fd, "1", 1);
	close(fd);
}

static void begin_killing(struct keeper *k)
{
	k->phase = KILLING;
	k->killing_since = k->deadline = monotonic_ms();
	k->rounds = 0;
	k->killed = 1;
}

void begin_stop(struct keeper *k, int number, uint32_t ms)
{
	pid_t last = 0;
	const int64_t deadline = monotonic_ms() + ms;
	if (k->phase == KILLING || k->phase == ENDED) return;
	if (k->phase == RUNNING) {
		k->phase = STOPPING;
		k->deadline = deadline;
		if (ms > 0) signal_tree(k, number, &last);
	} else if (deadline < k->deadline) k->deadline = deadline;
	if (ms == 0) begin_killing(k);
}

static void kill_round(struct keeper *k, int64_t now)
{
	pid_t last = 0;
	if (k->rounds < 3 || k->rounds % 20 == 0) kill_cgroup(k);
	const unsigned sent = signal_tree(k, SIGKILL, &last);
	if (sent > k->killed) k->killed = sent;
	++k->rounds;
	k->deadline = now + (now - k->killing_since < 1000 ? ROUND_MS : SLOW_ROUND_MS);
	if (now - k->killing_since > SURVIVOR_MS && last && last != k->survivor) {
		k->survivor = last;
		k->wants_state = true;
	}
}

/* ECHILD: nothing of the tree is left. */
static void end(struct keeper *k)
{
	drain_streams(k);
	k->phase = ENDED;
	k->survivor = 0;
	k->ended_ms = unix_ms();
	remove_cgroup(k);
	k->is_recorded = write_exit(k);
	k->wants_exit = true;
	k->deadline = monotonic_ms() + ACK_MS;
}

/* A list of children that is read while some of them end may leave out one that lives: then it is looked for again. */
static void seek_successor(struct keeper *k)
{
	const pid_t next = k->phase == RUNNING ? oldest_child(k) : 0;
	k->seek_at = k->phase == RUNNING && next == 0 ? monotonic_ms() + SLOW_ROUND_MS : 0;
	if (next == 0) return;
	k->is_successor = true;
	k->wants_state = true;
	set_main(k, next);
	write_id(k);
}

static void on_main_gone(struct keeper *k)
{
	const bool has_failed = k->code != 0;
	if (k->phase == RUNNING && has_failed && !k->is_successor) begin_stop(k, k->stop_signal, k->stop_ms);
	k->wants_state = true;
	if (!has_failed) seek_successor(k);
}

/* A main process that has a parent of its own in the tree: its status is that parent's. */
static void on_distant_main_gone(struct keeper *k)
{
	close(k->main_fd);
	k->main_fd = -1;
	k->is_main_gone = true;
	k->code = k->signal = 0;
	on_main_gone(k);
}

static void on_signals(struct keeper *k)
{
	struct signalfd_siginfo info;
	while (read(k->signals, &info, sizeof info) == sizeof info)
		if (info.ssi_signo == SIGTERM) begin_stop(k, k->stop_signal, k->stop_ms);
}

static void reap_all(struct keeper *k)
{
	const bool was_gone = k->is_main_gone;
	if (k->phase == ENDED) return;
	if (!reap(k)) {
		end(k);
		return;
	}
	if (k->is_main_gone && !was_gone) on_main_gone(k);
}

/* What is due; returns how long to wait for the next, or -1. */
static int run_due(struct keeper *k)
{
	const int64_t now = monotonic_ms();
	int64_t next = INT64_MAX;
	if (k->phase == STOPPING && now >= k->deadline) begin_killing(k);
	if (k->phase == KILLING && now >= k->deadline) {
		kill_round(k, now);
		reap_all(k);
	}
	if (k->phase == ENDED) {
		if (k->is_recorded && (k->control < 0 || now >= k->deadline)) _exit(0);
		if (!k->is_recorded && now >= k->deadline - ACK_MS + 1000) {
			k->is_recorded = write_exit(k);
			k->deadline = now + ACK_MS;
		}
		next = k->is_recorded ? k->deadline : k->deadline - ACK_MS + 1000;
	} else if (k->phase != RUNNING) next = k->deadline;
	if (k->seek_at && now >= k->seek_at) seek_successor(k);
	if (k->seek_at && k->seek_at < next) next = k->seek_at;
	struct stream *streams[] = {&k->out, &k->err};
	for (unsigned i = 0; i < 2; ++i) {
		if (streams[i]->used == 0 || streams[i]->fd < 0) continue;
		if (now >= streams[i]->since + PARTIAL_MS) flush_partial(k, streams[i]);
		else if (streams[i]->since + PARTIAL_MS < next) next = streams[i]->since + PARTIAL_MS;
	}
	return next == INT64_MAX ? -1 : next <= now ? 0 : (int)(next - now);
}

static void run_loop(struct keeper *k, struct spec *s)
{
	for (;;) {
		const int wait = run_due(k);
		struct pollfd fds[] = {{k->signals, POLLIN, 0}, {k->listener, POLLIN, 0}, {k->control, POLLIN, 0}, {k->out.fd, POLLIN, 0}, {k->err.fd, POLLIN, 0},
			{k->notify, POLLIN, 0}, {k->exec_status, POLLIN, 0}, {k->main_fd, POLLIN, 0}};
		send_wanted(k);
		fds[2].fd = k->control;
		if (k->control >= 0 && (k->wants_exit || k->wants_state)) fds[2].events |= POLLOUT;
		if (poll(fds, sizeof fds / sizeof *fds, wait) < 0 && errno != EINTR) _exit(1);
		if (fds[6].revents) on_exec_status(k, s);
		if (fds[5].revents) on_notify(k); /* before reaping: the sender is looked up */
		if (fds[3].revents) carry(k, &k->out, monotonic_ms());
		if (fds[4].revents) carry(k, &k->err, monotonic_ms());
		if (fds[2].revents & ~POLLOUT) on_control(k);
		if (fds[1].revents) on_connect(k);
		if (fds[0].revents) on_signals(k);
		if (k->exec_status < 0) reap_all(k);
		if (fds[7].revents && fds[7].fd == k->main_fd) on_distant_main_gone(k);
	}
}

static bool open_signals(struct keeper *k)
{
	sigset_t all, wanted;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	sigaddset(&wanted, SIGTERM);
	k->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	return k->signals >= 0;
}

static void protect(void)
{
	const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0) return;
	(void)!write(fd, "-900", 4); /* refused where we are not root */
	close(fd);
}

static bool set_up(struct keeper *k, struct spec *s)
{
	struct process_stat st;
	k->self = getpid();
	k->self_start = stat_process(k->self, &st) ? st.start : 0;
	k->began_ms = unix_ms();
	k->code = -1;
	k->step = KEEP_STEP_SPEC;
	const bool is_controlled = fcntl(KEEP_CONTROL_FD, F_SETFD, FD_CLOEXEC) == 0;
	k->control = is_controlled ? KEEP_CONTROL_FD : -1;
	k->signals = k->listener = k->notify = k->exec_status = k->main_fd = k->out.fd = k->err.fd = k->log.fd = -1;
	k->out.letter = 'o';
	k->err.letter = 'e';
	setsid();
	protect();
	umask(0);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || !open_signals(k) || !read_spec(k, s)) return false;
	if (!listen_for_daemon(k) || (s->wants_notify && !listen_for_notify(k))) return false;
	open_log(k);
	return true;
}

int main(int argc, char **argv)
{
	static struct keeper k;
	static struct spec s;
	int null;
	if (argc != 2 || chdir(argv[1]) != 0 || (null = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0) return 2;
	for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
	if (!set_up(&k, &s)) {
		if (k.error == 0) k.error = errno;
		end(&k);
	} else if (!spawn(&k, &s, null)) {
		if (!reap(&k)) end(&k);
	} else if (!write_id(&k)) {
		k.step = KEEP_STEP_SPEC;
		k.error = errno;
		begin_stop(&k, SIGKILL, 0);
	} else release(&k);
	if (null > 2) close(null);
	run_loop(&k, &s);
}
