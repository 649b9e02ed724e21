/* record.c: the files id and exit, whole or not at all. */
#include "keeper.h"

#include <string.h>

static void line(struct text *t, const char *word, const int64_t *numbers, unsigned count)
{
	put(t, word);
	for (unsigned i = 0; i < count; ++i) {
		put(t, " ");
		put_number(t, numbers[i]);
	}
	put(t, "\n");
}

bool write_id(struct keeper *k)
{
	char data[600];
	struct text t = {data, data + sizeof data};
	line(&t, "keeper", (const int64_t[]){k->self, (int64_t)k->self_start}, 2);
	line(&t, "main", (const int64_t[]){k->main, (int64_t)k->main_start}, 2);
	put(&t, "boot ");
	put(&t, k->boot);
	put(&t, "\n");
	line(&t, "cgns", (const int64_t[]){(int64_t)k->cgns}, 1);
	put(&t, "cgroup ");
	put(&t, k->cgroup[0] ? k->cgroup : "-");
	put(&t, "\n");
	line(&t, "began", &k->began_ms, 1);
	return replace_file("id", data, (size_t)(t.at - data), 0600);
}

bool write_exit(struct keeper *k)
{
	char data[300];
	struct text t = {data, data + sizeof data};
	line(&t, "main", (const int64_t[]){k->code, k->signal}, 2);
	line(&t, "began", &k->began_ms, 1);
	line(&t, "ended", &k->ended_ms, 1);
	line(&t, "killed", (const int64_t[]){k->killed}, 1);
	line(&t, "lost", (const int64_t[]){(int64_t)k->log.lost}, 1);
	line(&t, "failed", (const int64_t[]){k->step, k->error}, 2);
	return replace_file("exit", data, (size_t)(t.at - data), 0600);
}
