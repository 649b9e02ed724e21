/* text.c: bounded text, numbers and small files without stdio: it keeps a keeper small. */
#include "keeper.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void put(struct text *t, const char *s)
{
	while (*s && t->at < t->end - 1) *t->at++ = *s++;
	*t->at = 0;
}

void put_number(struct text *t, int64_t n)
{
	char digits[24], *p = digits + sizeof digits - 1;
	uint64_t u = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	*p = 0;
	do *--p = (char)('0' + u % 10);
	while (u /= 10);
	if (n < 0) *--p = '-';
	put(t, p);
}

bool parse_number(const char **s, int64_t *out)
{
	const char *p = *s;
	const bool is_negative = *p == '-';
	int64_t n = 0;
	if (is_negative) ++p;
	if (*p < '0' || *p > '9') return false;
	for (; *p >= '0' && *p <= '9'; ++p)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *p - '0', &n)) return false;
	*out = is_negative ? -n : n;
	*s = p;
	return true;
}

size_t read_file(const char *path, char *out, size_t size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;
	if (fd >= 0) {
		n = read(fd, out, size - 1);
		close(fd);
	}
	if (n < 0) n = 0;
	out[n] = 0;
	return (size_t)n;
}

bool replace_file(const char *name, const char *data, size_t size, mode_t mode)
{
	char temporary[64];
	struct text t = {temporary, temporary + sizeof temporary};
	put(&t, name);
	put(&t, ".new");
	const int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0) return false;
	const bool is_whole = write(fd, data, size) == (ssize_t)size;
	close(fd);
	return is_whole && rename(temporary, name) == 0;
}
