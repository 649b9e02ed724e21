/* spec.c: reads the file that says what to run (protocol.h). It is the daemon's own, yet every value is checked. */
#include "keeper.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static bool parse_whole(const char *s, int64_t low, int64_t high, int64_t *out) { return parse_number(&s, out) && !*s && *out >= low && *out <= high; }

static int hex_digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

static bool parse_nonce(const char *s, uint8_t *out)
{
	for (unsigned i = 0; i < KEEP_NONCE; ++i, s += 2) {
		const int high = hex_digit(s[0]), low = high < 0 ? -1 : hex_digit(s[1]);
		if (low < 0) return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return !*s;
}

static bool parse_limit_value(const char **s, uint64_t *out)
{
	int64_t n;
	if (**s == '-') {
		++*s;
		*out = RLIM_INFINITY;
		return true;
	}
	if (!parse_number(s, &n)) return false;
	*out = (uint64_t)n;
	return true;
}

static bool parse_limit(const char *s, struct spec *out)
{
	int64_t resource;
	if (out->limit_count == sizeof out->limits / sizeof *out->limits) return false;
	struct limit *l = &out->limits[out->limit_count];
	if (!parse_number(&s, &resource) || resource < 0 || resource > 15 || *s++ != ':') return false;
	if (!parse_limit_value(&s, &l->soft) || *s++ != ':' || !parse_limit_value(&s, &l->hard) || *s) return false;
	l->resource = (int)resource;
	++out->limit_count;
	return true;
}

static bool parse_groups(const char *s, struct spec *out)
{
	int64_t n;
	while (*s) {
		if (out->group_count == sizeof out->groups / sizeof *out->groups || !parse_number(&s, &n) || n < 0 || n >= UINT32_MAX) return false;
		out->groups[out->group_count++] = (gid_t)n;
		if (*s && *s++ != ',') return false;
	}
	return true;
}

static bool parse_ioprio(const char *s, struct spec *out)
{
	int64_t class, level;
	if (!parse_number(&s, &class) || *s++ != ':' || !parse_whole(s, 0, 7, &level) || class < 0 || class > 3) return false;
	out->has_ioprio = true;
	out->io_class = (int)class;
	out->io_level = (int)level;
	return true;
}

static bool parse_umask(const char *s, struct spec *out)
{
	unsigned mask = 0;
	for (; *s >= '0' && *s <= '7' && mask <= 0777; ++s) mask = mask << 3 | (unsigned)(*s - '0');
	out->umask = mask;
	return !*s && mask <= 0777;
}

static bool copy(char *out, size_t size, const char *value)
{
	const size_t n = strlen(value);
	if (n >= size) return false;
	memcpy(out, value, n + 1);
	return true;
}

/* One record. False: it is known and wrong. */
static bool take(struct keeper *k, struct spec *s, const char *key, char *value)
{
	int64_t n = 0;
	if (!strcmp(key, "arg")) return s->arg_count < KEEP_ARGS_MAX && (s->args[s->arg_count++] = value);
	if (!strcmp(key, "env")) return s->env_count < KEEP_ARGS_MAX && strchr(value, '=') && (s->env[s->env_count++] = value);
	if (!strcmp(key, "v")) return parse_whole(value, KEEP_VERSION, KEEP_VERSION, &n);
	if (!strcmp(key, "nonce")) return parse_nonce(value, k->nonce);
	if (!strcmp(key, "boot")) return copy(k->boot, sizeof k->boot, value);
	if (!strcmp(key, "dir")) return (s->directory = value);
	if (!strcmp(key, "log")) return copy(k->log.path, sizeof k->log.path - 8, value); /* room for .NUMBER */
	if (!strcmp(key, "cgroup")) return copy(k->cgroup, sizeof k->cgroup - 24, value); /* room for /cgroup.procs */
	if (!strcmp(key, "groups")) return parse_groups(value, s);
	if (!strcmp(key, "limit")) return parse_limit(value, s);
	if (!strcmp(key, "ioprio")) return parse_ioprio(value, s);
	if (!strcmp(key, "umask")) return parse_umask(value, s);
	if (!strcmp(key, "uid")) return parse_whole(value, 0, UINT32_MAX - 1, &n) && (s->uid = (uid_t)n, s->has_ids = true);
	if (!strcmp(key, "gid")) return parse_whole(value, 0, UINT32_MAX - 1, &n) && (s->gid = (gid_t)n, true);
	if (!strcmp(key, "nice")) return parse_whole(value, -20, 19, &n) && (s->nice = (int)n, s->has_nice = true);
	if (!strcmp(key, "oom")) return parse_whole(value, -1000, 1000, &n) && (s->oom = (int)n, s->has_oom = true);
	if (!strcmp(key, "log_bytes")) return parse_whole(value, 4096, INT64_MAX, &n) && (k->log.max = (uint64_t)n, true);
	if (!strcmp(key, "log_files")) return parse_whole(value, 0, 99, &n) && (k->log.files = (unsigned)n, true);
	if (!strcmp(key, "stop_signal")) return parse_whole(value, 1, 64, &n) && (k->stop_signal = (int)n, true);
	if (!strcmp(key, "stop_ms")) return parse_whole(value, 0, INT32_MAX, &n) && (k->stop_ms = (uint32_t)n, true);
	if (!strcmp(key, "cgns")) return (s->wants_cgns = true);
	if (!strcmp(key, "notify")) return (s->wants_notify = true);
	if (!strcmp(key, "scan")) return (k->must_scan = true);
	return true;
}

bool read_spec(struct keeper *k, struct spec *s)
{
	struct stat st;
	s->umask = 022;
	k->stop_signal = SIGTERM;
	k->stop_ms = 15000;
	k->log.max = 1 << 20;
	k->log.files = 3;
	const int fd = open("spec", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) return false;
	if (fstat(fd, &st) != 0 || st.st_size < 1 || st.st_size > KEEP_SPEC_MAX) return close(fd), false;
	const size_t size = (size_t)st.st_size;
	char *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED || data[size - 1]) return false;
	s->map = data;
	s->map_size = size;
	for (char *p = data, *end = data + size; p < end;) {
		char *equals = strchr(p, '='), *next = p + strlen(p) + 1;
		if (!equals) return false;
		*equals = 0;
		if (!take(k, s, p, equals + 1)) return false;
		p = next;
	}
	return s->arg_count > 0 && s->args[0][0];
}
