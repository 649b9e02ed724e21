/* link.c: the daemon's side: one controller at a time, over the pair it was spawned with or its socket s. */
#include "keeper.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool listen_for_daemon(struct keeper *k)
{
	const struct sockaddr_un address = {AF_UNIX, "s"};
	k->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return k->listener >= 0 && bind(k->listener, (const struct sockaddr *)&address, sizeof address) == 0 && listen(k->listener, 4) == 0;
}

static struct keep_packet packet_of(const struct keeper *k, uint16_t type)
{
	struct keep_packet p = {.magic = KEEP_MAGIC, .version = KEEP_VERSION, .type = type};
	memcpy(p.nonce, k->nonce, sizeof p.nonce);
	p.flags = (k->is_ready ? KEEP_IS_READY : 0) | (k->phase == STOPPING || k->phase == KILLING ? KEEP_IS_STOPPING : 0) | (k->killed ? KEEP_IS_KILLING : 0) |
			  (k->is_main_gone ? KEEP_IS_MAIN_GONE : 0) | (k->cgroup[0] ? KEEP_HAS_CGROUP : 0) | (k->is_successor ? KEEP_IS_SUCCESSOR : 0);
	p.pid = k->main;
	p.start = k->main_start;
	p.step = k->step;
	p.error = k->error;
	p.survivor = k->survivor;
	p.killed = k->killed;
	p.lost = k->log.lost;
	p.began_ms = k->began_ms;
	p.ended_ms = k->ended_ms;
	p.signal = k->signal;
	p.code = k->code;
	memcpy(p.text, k->text, sizeof p.text);
	return p;
}

static void leave(struct keeper *k)
{
	close(k->control);
	k->control = -1;
	k->wants_state = false;
}

static bool send_packet(struct keeper *k, const struct keep_packet *p)
{
	if (k->control < 0) return true;
	if (send(k->control, p, sizeof *p, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof *p) return true;
	if (errno == EAGAIN) return false; /* a slow daemon: poll tells when it reads again */
	leave(k);
	return true;
}

static void answer(struct keeper *k, uint16_t type, uint32_t seq, int error)
{
	struct keep_packet p = packet_of(k, type);
	p.seq = seq;
	if (type == KEEP_DONE) p.error = error;
	if (!send_packet(k, &p)) k->wants_state = true;
}

void send_wanted(struct keeper *k)
{
	if (k->control < 0) return;
	const struct keep_packet p = packet_of(k, k->wants_exit ? KEEP_EXIT : KEEP_STATE);
	if (!k->wants_exit && !k->wants_state) return;
	if (!send_packet(k, &p)) return;
	k->wants_exit = k->wants_state = false;
}

void send_hello(struct keeper *k) { answer(k, KEEP_HELLO, 0, 0); }

void on_connect(struct keeper *k)
{
	struct ucred who;
	socklen_t size = sizeof who;
	const int fd = accept4(k->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || (who.uid != 0 && who.uid != geteuid())) {
		close(fd);
		return;
	}
	if (k->control >= 0) on_control(k); /* the old one may just have gone */
	if (k->control >= 0) {
		const struct keep_packet p = packet_of(k, KEEP_BUSY);
		(void)!send(fd, &p, sizeof p, MSG_NOSIGNAL | MSG_DONTWAIT);
		close(fd);
		return;
	}
	k->control = fd;
	if (k->phase == ENDED) k->wants_exit = true;
}

static void take_packet(struct keeper *k, const struct keep_packet *p)
{
	pid_t last = 0;
	switch (p->type) {
	case KEEP_GET: answer(k, k->phase == ENDED ? KEEP_EXIT : KEEP_STATE, p->seq, 0); break;
	case KEEP_SIGNAL: {
		int error = p->signal < 1 || p->signal > 64 ? EINVAL : 0;
		if (!error && p->flags & KEEP_TREE) error = signal_tree(k, p->signal, &last) ? 0 : ESRCH;
		else if (!error) error = signal_main(k, p->signal) ? 0 : errno;
		answer(k, KEEP_DONE, p->seq, error);
		break;
	}
	case KEEP_STOP:
		begin_stop(k, p->signal >= 1 && p->signal <= 64 ? p->signal : SIGTERM, p->ms);
		answer(k, KEEP_STATE, p->seq, 0);
		break;
	case KEEP_ROTATE:
		rotate(k);
		answer(k, KEEP_DONE, p->seq, 0);
		break;
	case KEEP_ACK:
		if (k->phase == ENDED) _exit(0);
		break;
	default: break;
	}
}

void on_control(struct keeper *k)
{
	for (int i = 0; i < 16 && k->control >= 0; ++i) {
		struct keep_packet p;
		const ssize_t n = recv(k->control, &p, sizeof p, MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
		if (n <= 0) {
			leave(k);
			return;
		}
		if (n == sizeof p && p.magic == KEEP_MAGIC && p.version == KEEP_VERSION && !memcmp(p.nonce, k->nonce, sizeof p.nonce)) take_packet(k, &p);
	}
}
