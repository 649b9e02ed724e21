/* keeper.h: the one structure of a keeper, and the functions of its files. */
#pragma once
#include "protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct limit {
	int resource;
	uint64_t soft, hard;
};

/* What spec says. */
struct spec {
	char *args[KEEP_ARGS_MAX + 1], *env[KEEP_ARGS_MAX + 1];
	unsigned arg_count, env_count, limit_count, group_count;
	struct limit limits[16];
	gid_t groups[64];
	const char *directory;
	void *map; /* all texts point into it, until exec has succeeded */
	size_t map_size;
	bool has_ids, has_nice, has_ioprio, has_oom, wants_cgns, wants_notify, must_scan;
	uid_t uid;
	gid_t gid;
	int nice, io_class, io_level, oom;
	mode_t umask;
};

/* One of the command's outputs. */
struct stream {
	int fd;        /* -1: ended */
	char letter;   /* 'o', 'e' */
	bool is_cut;   /* the last piece that was written goes on in the next */
	unsigned used; /* bytes of an unfinished line in buffer */
	int64_t since; /* when they came, monotonic ms */
	char buffer[16384];
};

struct log {
	char path[512];
	int fd; /* -1: not open */
	uint64_t size, max;
	unsigned files;
	uint64_t lost, lost_noted; /* lines that could not be written; of these noted in the log */
	int error;                 /* why the last ones could not */
	int64_t next_open;         /* monotonic ms: not before */
};

enum phase { RUNNING, STOPPING, KILLING, ENDED };

struct keeper {
	uint8_t nonce[KEEP_NONCE];
	enum phase phase;
	bool is_started; /* exec has succeeded */
	bool is_ready, is_main_gone, is_successor, must_scan, is_recorded;
	bool wants_state, wants_exit;                                 /* to be sent */
	int signals, listener, control, notify, exec_status, main_fd; /* descriptors, -1: none; main_fd: of a main process that is not our child */
	pid_t self, main;
	uint64_t main_start, self_start;
	int code, signal;        /* of the main process */
	int step, error;         /* why the start failed */
	unsigned killed, rounds; /* processes that got SIGKILL; sweeps so far */
	pid_t survivor;
	int stop_signal;
	uint32_t stop_ms;
	int64_t deadline; /* monotonic ms, by phase: SIGKILL; next round; end without ACK. 0: none */
	int64_t seek_at;  /* when a successor of the main process is looked for again; 0: none is */
	int64_t killing_since;
	int64_t began_ms, ended_ms;
	uint64_t cgns;
	char cgroup[256]; /* empty: none */
	char boot[40];
	char text[128];
	struct stream out, err;
	struct log log;
};

int64_t monotonic_ms(void);
int64_t unix_ms(void);

/* text.c: a bounded text, and numbers */
struct text {
	char *at, *end;
};
void put(struct text *t, const char *s);
void put_number(struct text *t, int64_t n);
bool parse_number(const char **s, int64_t *out);                                 /* moves *s behind it */
size_t read_file(const char *path, char *out, size_t size);                      /* NUL-terminated; 0 on failure */
bool replace_file(const char *name, const char *data, size_t size, mode_t mode); /* temporary file, rename */

/* spec.c: false where it cannot be used */
bool read_spec(struct keeper *k, struct spec *s);

/* spawn.c: forks; the child enters its cgroup, then waits for release(), sets itself up and execs. False: k->step, error */
bool spawn(struct keeper *k, struct spec *s, int null);
void release(struct keeper *k);
void on_exec_status(struct keeper *k, struct spec *s); /* exec has succeeded or failed */
void remove_cgroup(struct keeper *k);

/* tree.c */
struct process_stat {
	char state;
	bool has_execed;
	pid_t parent;
	uint64_t start;
};
bool stat_process(pid_t pid, struct process_stat *out);
unsigned signal_tree(struct keeper *k, int signal, pid_t *last); /* how many were signalled */
bool signal_main(const struct keeper *k, int signal);            /* errno says why not */
bool is_in_tree(const struct keeper *k, pid_t pid);
bool reap(struct keeper *k); /* all that have ended; false: no child is left */
pid_t oldest_child(struct keeper *k);

/* log.c */
void open_log(struct keeper *k);
void carry(struct keeper *k, struct stream *s, int64_t now); /* what can be read */
void flush_partial(struct keeper *k, struct stream *s);
void drain_streams(struct keeper *k); /* at the end */
bool note(struct keeper *k, const char *message);
void rotate(struct keeper *k);

/* link.c: the daemon */
bool listen_for_daemon(struct keeper *k);
void on_connect(struct keeper *k);
void on_control(struct keeper *k);
void send_wanted(struct keeper *k);
void send_hello(struct keeper *k);

/* notify.c */
bool listen_for_notify(struct keeper *k);
void on_notify(struct keeper *k);

/* record.c */
bool write_id(struct keeper *k);
bool write_exit(struct keeper *k);

/* keeper.c */
void begin_stop(struct keeper *k, int signal, uint32_t ms);
void set_main(struct keeper *k, pid_t pid);
