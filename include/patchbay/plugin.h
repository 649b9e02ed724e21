/* patchbay/plugin.h: all that crosses the border between patchbayd and a plugin. Pure C; it is the reference.
 * Handling HTTP beyond a topic or a method as a route: patchbay/http.h.  The C++ face: patchbay/patchbay.hpp.
 *
 * Threads: both ways on the loop thread only; inject() alone may be called from any, and a job of work() runs on a
 *   worker.  Nothing here blocks, throws, or calls back from inside the call that registers.
 * Ownership: BORROWED is valid until the call returns; OWNED passes to the callee (json_decref), on failure too.
 * Text is UTF-8, NUL-terminated unless a size stands beside it, copied by the host.
 * Structs with struct_size only grow at the end: check it before a member later than the minor version you build for.
 * Nothing here needs plugin and daemon to be one process: handles are opaque, what crosses is copied or JSON. */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct event_base; /* libevent's; <event2/event.h> */
struct pb_http;    /* patchbay/http.h */

#define PB_ABI_MAJOR 1 /* differs: not loaded */
#define PB_ABI_MINOR 1 /* plugin newer than host: not loaded; older: fine */

typedef struct pb_scope pb_scope; /* one plugin instance; all that it registers is freed with it */
typedef struct pb_item pb_item;   /* one registration in a scope: timer, fd, topic, subscription, method, route */
typedef struct pb_call pb_call;   /* one method call: valid until reply() or fail(), once, even if the caller has left */

/* What went wrong, for a person and for a program. */
typedef struct pb_error {
	uint32_t struct_size;
	int32_t status;        /* an HTTP status, 400 to 599 */
	char code[48];         /* "NOT_RUNNING"; empty: the ordinary word for the status */
	char text[460];        /* what was tried, on what, why it failed, what to do */
	const json_t *details; /* any JSON or NULL; BORROWED with the struct; the host leaves it NULL in errors of add_* */
} pb_error;

/* ---- settings and parameters ------------------------------------------------------------------------------------- */

enum pb_type {     /* one of these … */
	PB_STRING = 1, /* limits: bytes */
	PB_INTEGER = 2,
	PB_NUMBER = 3,
	PB_BOOLEAN = 4,
	PB_DURATION = 5, /* "250ms" "5s" "10m" "1h" in text; handed over as a JSON real in seconds; limits: seconds */
	PB_TABLE = 6,    /* an object with the members `fields` */
	PB_ANY = 7,      /* any JSON; the plugin checks it */
	PB_TIME = 8,     /* ISO 8601 ("2026-11-24T10:00:00Z"); handed over as a JSON real: unix seconds */
	/* … or one of these with it */
	PB_LIST = 0x10, /* an array of that type; the limits are those of its length */
	PB_MAP = 0x20,  /* an object with free member names and values of that type; limits: count. With PB_LIST: a map of lists */
	/* and any of these */
	PB_SECRET = 0x100,     /* never shown, logged or returned */
	PB_ALSO_STRING = 0x200 /* a plain string is accepted as well (`ready = "none"`), unchecked but for `choices` */
};

/* One setting or parameter. The host parses it, checks its limits, puts in what was left out and documents it.
 * Lives in constant arrays ended by name == NULL, so it never grows. */
typedef struct pb_field {
	const char *name;
	uint32_t type;                 /* pb_type */
	const char *fallback;          /* as TOML would have it: "\"text\"", "5", "5s" (bare for durations), "[]"; NULL: required;
									  "" : optional, absent where it was left out */
	const char *help;              /* one sentence, for people */
	double min, max;               /* both 0: no limits; max below min: no upper one */
	const char *choices;           /* "a|b|c": the only strings allowed; NULL: any */
	const struct pb_field *fields; /* of a PB_TABLE; else NULL */
} pb_field;

enum pb_role { PB_ROLE_DEFAULT = 0, PB_VIEWER = 1, PB_OPERATOR = 2, PB_ADMIN = 3, PB_PUBLIC = 4 /* no token needed */ };

/* Who asked. BORROWED from the call or request. */
typedef struct pb_caller {
	uint32_t struct_size;
	int32_t role;        /* pb_role: what the caller may do */
	const char *address; /* of the client, after the trusted-proxy rule; "" where a plugin called */
	const char *name;    /* of the token or the peer's user; of the plugin that called; "" unknown */
} pb_caller;

/* ---- callbacks --------------------------------------------------------------------------------------------------- */

typedef void pb_tick_fn(void *self);
typedef void pb_fd_fn(void *self, int fd, uint32_t what);               /* what: PB_READ | PB_WRITE, those that are so */
typedef void pb_watch_fn(void *self, int is_watched);                   /* somebody looks at the topic now, or nobody does any more */
typedef void pb_call_fn(void *self, pb_call *call, const json_t *args); /* args BORROWED, already checked */

/* A value of a topic. BORROWED. */
typedef struct pb_value {
	uint32_t struct_size;
	const char *topic;
	uint64_t seq;       /* one sequence for all topics, growing over restarts */
	int64_t time_ms;    /* unix time of the change */
	const json_t *json; /* NULL where the subscription asked for text, or the topic is gone */
	const char *text;   /* compact JSON, size bytes, NUL-terminated; NULL unless asked for */
	size_t size;
} pb_value;
typedef void pb_value_fn(void *self, const pb_value *value); /* json and text both NULL: the topic is gone */

/* How a call ended: err is NULL, or all else is. BORROWED. */
typedef struct pb_result {
	uint32_t struct_size;
	const pb_error *err;
	const json_t *json; /* unless text was asked for */
	const char *text;   /* compact JSON, size bytes, where text was asked for */
	size_t size;
} pb_result;
typedef void pb_done_fn(void *self, const pb_result *result);

enum pb_fd_what { PB_READ = 1, PB_WRITE = 2 };
enum pb_level { PB_ERROR = 0, PB_WARN = 1, PB_INFO = 2, PB_DEBUG = 3 };
enum pb_flags {
	PB_AS_TEXT = 1,   /* subscribe, call: hand over ready text; nothing is parsed */
	PB_DROP_SAME = 2, /* topic: a value equal to the last one is no change */
	PB_DURABLE = 4,   /* state, files: acknowledged only once it would survive a loss of power */
	PB_TRANSIENT = 8, /* topic: an event: pushed, not kept; a late subscriber does not see it */
	PB_UNWATCHED = 16 /* subscribe: does not count as somebody looking, so nothing is measured for it (see on_watch) */
};

/* ---- what is registered ------------------------------------------------------------------------------------------ */

typedef struct pb_topic {
	uint32_t struct_size;
	uint32_t flags;   /* PB_DROP_SAME, PB_TRANSIENT */
	const char *name; /* "gps/fix": the plugin's own word first; unique */
	const char *help;
	pb_watch_fn *on_watch; /* NULL: not told. First call after registering where somebody looks already */
	void *self;
} pb_topic;

typedef struct pb_method {
	uint32_t struct_size;
	int32_t role;     /* PB_ROLE_DEFAULT: operator */
	const char *name; /* "procs.start" */
	const char *help;
	const pb_field *params; /* NULL: none. Kept by reference, as long as the item */
	int64_t deadline_ms;    /* past it the caller gets 504; 0: 30 s */
	pb_call_fn *on_call;
	void *self;
} pb_method;

/* ---- the host ---------------------------------------------------------------------------------------------------- */

/* Lives as long as the plugin. add_* and subscribe give NULL with err filled, or an item that drop() may end early. */
typedef struct pb_host {
	uint32_t struct_size;
	uint16_t abi_major, abi_minor;
	const char *version; /* of the daemon */
	const struct pb_http *http;

	/* The loop. base(): BORROWED, for libraries that bring their own events; what runs there is not measured, so
	 * prefer add_timer and add_fd. The loop a plugin sees is the one that it runs on. */
	struct event_base *(*base)(pb_scope *);
	pb_item *(*add_timer)(pb_scope *, pb_tick_fn *, void *self, pb_error *err);
	void (*set_timer)(pb_item *, int64_t first_ms, int64_t every_ms);              /* first < 0: stop; every 0: once */
	pb_item *(*add_fd)(pb_scope *, int fd, pb_fd_fn *, void *self, pb_error *err); /* fd BORROWED: close it after drop() */
	void (*set_fd)(pb_item *, uint32_t what);                                      /* PB_READ | PB_WRITE; 0: rest. Level-triggered */
	void (*inject)(pb_scope *, pb_tick_fn *, void *self);                          /* any thread: run it on the loop, unless the scope has ended */
	/* job on a worker thread (it may block, and touches nothing of the host but inject), then done on the loop.
	 * stop() waits until done has been called: keep jobs short, or let them look at a flag. 0, or -1: refused, err filled. */
	int (*work)(pb_scope *, pb_tick_fn *job, pb_tick_fn *done, void *self, pb_error *err);
	/* fields: an object of further key=value, BORROWED, or NULL. The same message again is limited and counted. */
	void (*log)(pb_scope *, int level, const char *text, const json_t *fields);
	void (*drop)(pb_item *);

	/* The bus. */
	pb_item *(*add_topic)(pb_scope *, const pb_topic *, pb_error *err);
	void (*publish)(pb_item *topic, json_t *value);                      /* OWNED; kept, pushed on change */
	void (*publish_text)(pb_item *topic, const char *json, size_t size); /* ready JSON: must be one valid value, compact */
	/* pattern: "gps/fix", "gps/\*", "**". Kept values come first, after the present callback. */
	pb_item *(*subscribe)(pb_scope *, const char *pattern, uint32_t flags, pb_value_fn *, void *self, pb_error *err);
	pb_item *(*add_method)(pb_scope *, const pb_method *, pb_error *err);
	/* args OWNED or NULL; done is called exactly once, later, with 504 past timeout_ms (0: the method's own), unless the scope ends
	 * before. The method may belong to any plugin. */
	void (*call)(pb_scope *, const char *method, json_t *args, int64_t timeout_ms, uint32_t flags, pb_done_fn *done, void *self);
	void (*reply)(pb_call *, json_t *value);                      /* OWNED; ends the call */
	void (*reply_text)(pb_call *, const char *json, size_t size); /* ready JSON; ends the call */
	void (*fail)(pb_call *, const pb_error *);                    /* BORROWED; ends the call */
	void (*on_cancel)(pb_call *, pb_tick_fn *, void *self);       /* told once if the caller leaves or its time is over */
	const pb_caller *(*caller)(const pb_call *);

	/* State: the plugin's own documents and bounded journals, in the daemon's database. done may be NULL; it comes once
	 * the write is committed (it survives kill -9; with PB_DURABLE also a loss of power), or with an error.
	 * Results: put, remove, trim: null; get: the document, or null where there is none; list: {"key": document, …};
	 * append: {"id": n}, growing; read: [{"id": n, "time": unix ms, "value": …}, …] oldest first, ids above `after`. */
	void (*state_put)(pb_scope *, const char *key, json_t *value, uint32_t flags, pb_done_fn *done, void *self); /* OWNED */
	void (*state_get)(pb_scope *, const char *key, pb_done_fn *done, void *self);
	void (*state_list)(pb_scope *, const char *prefix, pb_done_fn *done, void *self);
	void (*state_remove)(pb_scope *, const char *key, uint32_t flags, pb_done_fn *done, void *self);
	void (*journal_append)(pb_scope *, const char *journal, json_t *value, uint32_t flags, pb_done_fn *done, void *self); /* OWNED */
	void (*journal_read)(pb_scope *, const char *journal, int64_t after, int64_t limit, pb_done_fn *done, void *self);
	void (*journal_trim)(pb_scope *, const char *journal, int64_t keep, pb_done_fn *done, void *self); /* the newest `keep` stay */

	/* Files that other programs read, written on a worker, in order for each path. replace: temporary file, rename, with
	 * PB_DURABLE fsync of file and folder; mode as in chmod. append: O_APPEND in whole lines, one write a batch, so that no
	 * other writer splits one. data is copied. At most 16 MiB wait for each path; past it, 507. */
	void (*file_replace)(pb_scope *, const char *path, const void *data, size_t size, uint32_t mode, uint32_t flags, pb_done_fn *done, void *self);
	void (*file_append)(pb_scope *, const char *path, const void *data, size_t size, uint32_t mode, uint32_t flags, pb_done_fn *done, void *self);

	/* The daemon's state folder, absolute, without a slash at the end. For files that a document or journal cannot hold
	 * (logs of children), each plugin in a folder of its own under it: STATE_DIR/NAME. The same over restarts, no two
	 * daemons share one. */
	const char *state_dir;
} pb_host;

/* ---- the plugin -------------------------------------------------------------------------------------------------- */

enum pb_plugin_flags {
	PB_EXCLUSIVE = 1 /* two instances cannot live side by side: on an upgrade the old one is stopped before the new one starts */
};

/* Exported as data under the name patchbay_plugin_v1. Everything before `settings` is read from the file before any code runs. */
typedef struct pb_plugin {
	uint32_t struct_size;
	uint16_t abi_major, abi_minor;
	char name[32]; /* [a-z][a-z0-9_-]*; the table in the configuration is [plugins.NAME] */
	char version[16];
	char needs[128];          /* names of plugins that must run before this one: "gpsd procs" (not `requires`: a C++20 keyword) */
	uint32_t flags;           /* PB_EXCLUSIVE */
	const pb_field *settings; /* NULL: none. `enabled` is the host's own */
	/* 0, with *self set, or -1 with err filled and nothing kept. settings: BORROWED, checked, complete. */
	int (*start)(const pb_host *, pb_scope *, const json_t *settings, void **self, pb_error *err);
	/* New settings while running. 0, or -1: the old ones go on. NULL: the plugin is stopped and started instead. */
	int (*configure)(void *self, const json_t *settings, pb_error *err);
	/* Asked to come to rest before stop(); calls of other plugins still work; call done(ctx) once, within 30 s (90 s on
	 * shutdown), or stop() comes without it. NULL: at once.
	 * is_shutdown: the whole daemon stops, not this instance alone (which may be replaced, and its successor runs already). */
	void (*drain)(void *self, int is_shutdown, pb_tick_fn *done, void *ctx);
	void (*stop)(void *self); /* last call; what is still registered goes with the scope */
} pb_plugin;

#ifdef __cplusplus
}
#endif
