/* log.c: carries the command's outputs into its log: stamped line by line, rotated by size, and never an obstacle: what the
 * disk does not take is counted and dropped, so that the command runs on. */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LINES = 128, READS = 16, RETRY_MS = 1000 };

void open_log(struct keeper *k)
{
	struct log *l = &k->log;
	struct stat st;
	l->fd = -1;
	if (!l->path[0] || monotonic_ms() < l->next_open) return;
	l->fd = open(l->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	if (l->fd >= 0 && (fstat(l->fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(l->fd);
		l->fd = -1;
		errno = EINVAL;
	}
	if (l->fd < 0) {
		l->error = errno;
		l->next_open = monotonic_ms() + RETRY_MS;
		return;
	}
	l->size = (uint64_t)st.st_size;
}

static const char *numbered(const struct log *l, unsigned n, char *out, size_t size)
{
	struct text t = {out, out + size};
	put(&t, l->path);
	if (n == 0) return out;
	put(&t, ".");
	put_number(&t, n);
	return out;
}

void rotate(struct keeper *k)
{
	struct log *l = &k->log;
	char from[520], to[520];
	if (l->fd >= 0) close(l->fd);
	if (l->files == 0) unlink(l->path);
	for (unsigned n = l->files; n > 0; --n) rename(numbered(l, n - 1, from, sizeof from), numbered(l, n, to, sizeof to));
	l->next_open = 0;
	open_log(k);
}

static void stamp(struct text *t, char letter)
{
	const int64_t now = unix_ms();
	put_number(t, now / 1000);
	const char fraction[] = {'.', (char)('0' + now / 100 % 10), (char)('0' + now / 10 % 10), (char)('0' + now % 10), ' ', letter, ' ', 0};
	put(t, fraction);
}

/* All or nothing: half a line is taken back. */
static bool write_whole(struct log *l, const struct iovec *parts, int count, size_t size)
{
	if (l->fd < 0) return false;
	const ssize_t n = writev(l->fd, parts, count);
	if (n == (ssize_t)size) {
		l->size += size;
		return true;
	}
	l->error = n < 0 ? errno : ENOSPC;
	if (n > 0) (void)!ftruncate(l->fd, (off_t)l->size);
	return false;
}

static void write_parts(struct keeper *k, const struct iovec *parts, int count, size_t size, unsigned lines)
{
	struct log *l = &k->log;
	if (l->fd < 0) open_log(k);
	if (l->fd >= 0 && l->size > 0 && l->size + size > l->max) rotate(k);
	if (!write_whole(l, parts, count, size)) {
		l->lost += lines;
		return;
	}
	if (l->lost == l->lost_noted) return;
	char message[96];
	struct text t = {message, message + sizeof message};
	put_number(&t, (int64_t)(l->lost - l->lost_noted));
	put(&t, " lines lost: ");
	put(&t, l->error == ENOSPC ? "no space left on the disk" : l->error == EDQUOT ? "the disk quota is used up" : "the log could not be written");
	if (note(k, message)) l->lost_noted = l->lost; /* else with the next line that fits */
}

bool note(struct keeper *k, const char *message)
{
	char line[192];
	struct text t = {line, line + sizeof line};
	if (!k->log.path[0]) return true;
	stamp(&t, 'k');
	put(&t, message);
	put(&t, "\n");
	const size_t size = (size_t)(t.at - line);
	const struct iovec part = {line, size};
	if (k->log.fd < 0) open_log(k);
	return write_whole(&k->log, &part, 1, size);
}

static char capital(char letter) { return (char)(letter - 'a' + 'A'); }

/* The finished lines of the buffer, and where one is too long a piece of it; returns how many bytes are done with. */
static unsigned write_lines(struct keeper *k, struct stream *s)
{
	struct iovec parts[2 * LINES + 3];
	char head[40], cut_head[40];
	struct text t = {head, head + sizeof head}, c = {cut_head, cut_head + sizeof cut_head};
	unsigned done = 0, lines = 0;
	int count = 0;
	size_t size = 0;
	stamp(&t, s->letter);
	stamp(&c, capital(s->letter));
	while (lines < LINES && done < s->used) {
		char *line = s->buffer + done;
		const unsigned left = s->used - done;
		const char *newline = memchr(line, '\n', left);
		const size_t length = newline ? (size_t)(newline - line) + 1 : left;
		const bool is_cut = length > KEEP_PIECE;
		if (!newline && !is_cut) break;
		const size_t taken = is_cut ? KEEP_PIECE : length;
		parts[count++] = (struct iovec){is_cut ? cut_head : head, (size_t)(is_cut ? c.at - cut_head : t.at - head)};
		parts[count++] = (struct iovec){line, taken};
		size += parts[count - 2].iov_len + taken;
		done += (unsigned)taken;
		s->is_cut = is_cut;
		++lines;
		if (!is_cut) continue;
		parts[count++] = (struct iovec){"\n", 1};
		++size;
		break; /* the next batch goes on with the rest */
	}
	if (count > 0) write_parts(k, parts, count, size, lines);
	return done;
}

static void write_finished(struct keeper *k, struct stream *s)
{
	unsigned done;
	while ((done = write_lines(k, s)) > 0) {
		s->used -= done;
		memmove(s->buffer, s->buffer + done, s->used);
	}
}

/* At most READS reads in one turn, so that a flood on one stream starves nothing else. */
void carry(struct keeper *k, struct stream *s, int64_t now)
{
	for (int i = 0; i < READS && s->fd >= 0; ++i) {
		const ssize_t n = read(s->fd, s->buffer + s->used, sizeof s->buffer - s->used);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0 && errno == EAGAIN) return;
		if (n <= 0) { /* nobody can write there any more */
			close(s->fd);
			s->fd = -1;
			flush_partial(k, s);
			return;
		}
		if (s->used == 0) s->since = now;
		s->used += (unsigned)n;
		const unsigned before = s->used;
		write_finished(k, s);
		if (s->used != before) s->since = now;
	}
}

/* A line that waits for its end (a prompt), or that will get none. */
void flush_partial(struct keeper *k, struct stream *s)
{
	char head[40];
	struct text t = {head, head + sizeof head};
	if (s->used == 0) return;
	s->is_cut = s->fd >= 0;
	stamp(&t, s->is_cut ? capital(s->letter) : s->letter);
	const size_t head_size = (size_t)(t.at - head);
	const struct iovec parts[] = {{head, head_size}, {s->buffer, s->used}, {"\n", 1}};
	write_parts(k, parts, 3, head_size + s->used + 1, 1);
	s->used = 0;
}

void drain_streams(struct keeper *k)
{
	struct stream *streams[] = {&k->out, &k->err};
	for (unsigned i = 0; i < 2; ++i) {
		for (int round = 0; round < 64 && streams[i]->fd >= 0; ++round) carry(k, streams[i], 0); /* bounded: somebody outside may hold it */
		if (streams[i]->fd >= 0) close(streams[i]->fd);
		streams[i]->fd = -1;
		flush_partial(k, streams[i]);
	}
}
