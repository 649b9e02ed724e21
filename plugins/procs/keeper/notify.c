/* notify.c: the command's side of sd_notify. The keeper owns the socket, so that READY=1 counts while the daemon is away.
 * A message counts only from a process of the tree, looked up at once, before anything is reaped. */
#include "keeper.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

bool listen_for_notify(struct keeper *k)
{
	const struct sockaddr_un address = {AF_UNIX, "n"};
	const int on = 1;
	k->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (k->notify < 0 || bind(k->notify, (const struct sockaddr *)&address, sizeof address) != 0) return false;
	return chmod("n", 0777) == 0 && setsockopt(k->notify, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0;
}

static void take_line(struct keeper *k, const char *line)
{
	int64_t pid;
	if (!strcmp(line, "READY=1")) k->is_ready = true;
	else if (!strncmp(line, "STATUS=", 7)) {
		struct text t = {k->text, k->text + sizeof k->text};
		k->text[0] = 0;
		put(&t, line + 7);
	} else if (!strncmp(line, "MAINPID=", 8)) {
		const char *p = line + 8;
		if (!parse_number(&p, &pid) || *p || pid < 2 || pid > INT32_MAX || pid == k->self || !is_in_tree(k, (pid_t)pid)) return;
		k->is_successor |= (pid_t)pid != k->main;
		set_main(k, (pid_t)pid);
		write_id(k);
	} else return;
	k->wants_state = true;
}

static void take_message(struct keeper *k, char *data)
{
	for (char *line = data; line && *line;) {
		char *end = strchr(line, '\n');
		if (end) *end++ = 0;
		take_line(k, line);
		line = end;
	}
}

/* Descriptors that came along (BARRIER=1 waits for the other end's close) are closed after the message has been handled. */
static void close_all(const struct cmsghdr *c)
{
	const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < count; ++i) {
		int fd;
		memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
		close(fd);
	}
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion" /* musl's CMSG_NXTHDR */
static struct cmsghdr *next_part(struct msghdr *m, struct cmsghdr *c) { return CMSG_NXTHDR(m, c); }
#pragma GCC diagnostic pop

void on_notify(struct keeper *k)
{
	for (int i = 0; i < 32; ++i) {
		char data[2048];
		union {
			struct cmsghdr align;
			char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(253 * sizeof(int))];
		} control;
		struct iovec part = {data, sizeof data - 1};
		struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
		struct ucred who = {0};
		const ssize_t n = recvmsg(k->notify, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		if (n < 0) return;
		data[n] = 0;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = next_part(&message, c))
			if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) memcpy(&who, CMSG_DATA(c), sizeof who);
		if (!(message.msg_flags & MSG_TRUNC) && is_in_tree(k, who.pid)) take_message(k, data);
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = next_part(&message, c))
			if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) close_all(c);
	}
}
