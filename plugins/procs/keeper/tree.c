/* tree.c: the keeper's descendants: listed, signalled, reaped. The keeper is their subreaper, so each that loses its parent
 * comes back to it, and ECHILD means that none is left.
 * /proc/PID/task/TID/children lists only what that thread has forked, so all threads are read; kernels without it are scanned. */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MEMBERS = 4096 };       /* a round; what is beyond comes in the next */
enum { PF_FORKNOEXEC = 0x40 }; /* the kernel's; in /proc/PID/stat */

struct member {
	pid_t pid, parent;
};
struct members {
	unsigned count;
	struct member list[MEMBERS];
};

static struct members members, all; /* touched only by a sweep; all: only by a scan */

static void add(struct members *m, pid_t pid, pid_t parent)
{
	if (m->count < MEMBERS) m->list[m->count++] = (struct member){pid, parent};
}

static const char *proc_path(char *out, size_t size, pid_t pid, const char *rest)
{
	struct text t = {out, out + size};
	put(&t, "/proc/");
	put_number(&t, pid);
	put(&t, rest);
	return out;
}

bool stat_process(pid_t pid, struct process_stat *out)
{
	char path[48], data[1024];
	int64_t n = 0;
	if (!read_file(proc_path(path, sizeof path, pid, "/stat"), data, sizeof data)) return false;
	const char *p = strrchr(data, ')'); /* the name may hold anything */
	if (!p || p[1] != ' ' || !p[2]) return false;
	out->state = p[2];
	p += 3;
	for (int field = 4; field <= 22; ++field) { /* ppid is the 4th, starttime the 22nd */
		while (*p == ' ') ++p;
		if (!parse_number(&p, &n)) return false;
		if (field == 4) out->parent = (pid_t)n;
		if (field == 9) out->has_execed = !(n & PF_FORKNOEXEC);
	}
	out->start = (uint64_t)n;
	return true;
}

struct dirent64 {
	uint64_t inode;
	int64_t offset;
	unsigned short size;
	unsigned char type;
	char name[];
};

/* Calls each(number) for the entries of a folder that are numbers. */
static bool each_number(const char *path, void (*each)(pid_t number, pid_t context), pid_t context)
{
	_Alignas(struct dirent64) char buffer[4096];
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n;
	if (fd < 0) return false;
	while ((n = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0)
		for (long i = 0; i < n;) {
			const struct dirent64 *e = (const struct dirent64 *)(const void *)(buffer + i);
			const char *name = e->name;
			int64_t number;
			if (parse_number(&name, &number) && !*name) each((pid_t)number, context);
			i += e->size;
		}
	close(fd);
	return true;
}

static void list_thread(pid_t thread, pid_t pid)
{
	char path[80], data[2048];
	size_t kept = 0;
	ssize_t n;
	struct text t = {path, path + sizeof path};
	proc_path(path, sizeof path, pid, "/task/");
	t.at = path + strlen(path);
	put_number(&t, thread);
	put(&t, "/children");
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return;
	while ((n = read(fd, data + kept, sizeof data - 1 - kept)) > 0) {
		const char *p = data;
		int64_t child;
		data[kept + (size_t)n] = 0;
		for (;;) { /* a number counts once the space behind it is there */
			const char *q = p;
			if (!parse_number(&q, &child) || *q != ' ') break;
			add(&members, (pid_t)child, pid);
			p = q + 1;
		}
		kept = strlen(p);
		memmove(data, p, kept);
	}
	close(fd);
}

static void list_children(pid_t pid)
{
	char path[48];
	each_number(proc_path(path, sizeof path, pid, "/task"), list_thread, pid);
}

static void add_to_all(pid_t pid, pid_t unused)
{
	struct process_stat s;
	(void)unused;
	if (stat_process(pid, &s)) add(&all, pid, s.parent);
}

/* The children of pid, which is the keeper itself in the first call of a sweep. */
static void list_of(const struct keeper *k, pid_t pid)
{
	if (!k->must_scan && access("/proc/thread-self/children", R_OK) == 0) {
		list_children(pid);
		return;
	}
	if (pid == k->self) {
		all.count = 0;
		each_number("/proc", add_to_all, 0);
	}
	for (unsigned i = 0; i < all.count; ++i)
		if (all.list[i].parent == pid) add(&members, all.list[i].pid, pid);
}

/* Our unreaped children cannot be anybody else; a deeper one is pinned and looked at again before it is signalled. */
static bool signal_one(const struct keeper *k, const struct member *m, int number)
{
	struct process_stat s;
	if (m->parent == k->self) return kill(m->pid, number) == 0;
	const int fd = (int)syscall(SYS_pidfd_open, m->pid, 0);
	if (fd < 0) return errno == ENOSYS && kill(m->pid, number) == 0;
	bool is_sent = false;
	if (stat_process(m->pid, &s) && (s.parent == m->parent || s.parent == k->self)) is_sent = syscall(SYS_pidfd_send_signal, fd, number, NULL, 0) == 0;
	close(fd);
	return is_sent;
}

unsigned signal_tree(struct keeper *k, int number, pid_t *last)
{
	unsigned sent = 0;
	members.count = 0;
	list_of(k, k->self);
	for (unsigned i = 0; i < members.count; ++i) {
		struct process_stat s;
		list_of(k, members.list[i].pid);
		if (number == SIGKILL && members.list[i].parent == k->self && stat_process(members.list[i].pid, &s) && s.state == 'Z') continue;
		if (!signal_one(k, &members.list[i], number)) continue;
		if (number != SIGCONT && number != SIGKILL && number != 0) signal_one(k, &members.list[i], SIGCONT); /* a stopped one cannot obey */
		*last = members.list[i].pid;
		++sent;
	}
	return sent;
}

bool signal_main(const struct keeper *k, int number)
{
	if (k->is_main_gone) return errno = ESRCH, false;
	if (k->main_fd >= 0) return syscall(SYS_pidfd_send_signal, k->main_fd, number, NULL, 0) == 0;
	return kill(k->main, number) == 0;
}

bool is_in_tree(const struct keeper *k, pid_t pid)
{
	struct process_stat s;
	for (int depth = 0; pid > 1 && depth < 256; ++depth, pid = s.parent) {
		if (pid == k->self) return true;
		if (!stat_process(pid, &s)) return false;
	}
	return false;
}

pid_t oldest_child(struct keeper *k)
{
	pid_t oldest = 0;
	uint64_t start = UINT64_MAX;
	members.count = 0;
	list_of(k, k->self);
	for (unsigned i = 0; i < members.count; ++i) {
		struct process_stat s;
		if (!stat_process(members.list[i].pid, &s) || s.state == 'Z' || s.start >= start) continue;
		start = s.start;
		oldest = members.list[i].pid;
	}
	return oldest;
}

bool reap(struct keeper *k)
{
	for (;;) {
		siginfo_t info;
		memset(&info, 0, sizeof info);
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL) != 0) {
			if (errno == EINTR) continue;
			return false; /* ECHILD */
		}
		if (info.si_pid == 0) return true;
		if (info.si_pid != k->main || k->is_main_gone) continue; /* gone: the number is another's now */
		k->is_main_gone = true;
		k->code = info.si_code == CLD_EXITED ? info.si_status : -1;
		k->signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
	}
}
