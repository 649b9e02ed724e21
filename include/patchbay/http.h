/* patchbay/http.h: routes, and the full HTTP handler, for what a topic or a method as a route cannot do.
 * Threads, ownership and text as in plugin.h. The core has checked the request (framing, limits, Host, Origin, rate, role,
 * parameters) before a handler sees it, and answers for a handler that does not within the route's deadline (504). */
#pragma once
#include <patchbay/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pb_request pb_request; /* valid until respond*(), fail(), stream() or upgrade(), once, even if the client has left */
typedef struct pb_stream pb_stream;   /* valid until end() or until on_close has been called */

typedef struct pb_header {
	const char *name, *value;
} pb_header; /* no CR, LF or NUL: refused with 500; value NULL: left out */

/* args: the path's, query's and body's declared parameters in one object, checked, with fallbacks. BORROWED. */
typedef void pb_request_fn(void *self, pb_request *request, const json_t *args);
/* A piece of a streamed request body or of what an upgraded client sent. BORROWED. data NULL: the body's end. */
typedef void pb_data_fn(void *self, const void *data, size_t size);

enum pb_route_flags {
	PB_ROUTE_STRICT = 1,      /* parameters that are not declared: 400. Otherwise they are ignored */
	PB_ROUTE_STREAM_BODY = 2, /* the handler runs after the head; take the body with on_body() */
	PB_ROUTE_ANY_BODY = 4,    /* the body is not JSON: any content type, read it with body() */
	PB_ROUTE_NO_STORE = 8     /* Cache-Control: no-store on replies to GET (no ETag) */
};

typedef struct pb_route {
	uint32_t struct_size;
	uint32_t flags;
	const char *pattern;                 /* "GET gps", "POST procs/{name}/start", "GET /files/{path…}" (or {path...}); since 1.1 also
											with a beginning, "DELETE wh_{id}": other texts are another path. Without a leading slash it
											lies under /api/webhook/ and /api/webhooks/. HEAD comes with GET, OPTIONS by itself */
	const char *help;                    /* for /openapi.json */
	const char *target;                  /* "topic:gps/fix": the kept value, with ETag and 304 (404 until there is one);
											"method:procs.start": path, query and body become its arguments; NULL: on_request */
	const pb_field *path, *query, *body; /* declared parameters, kept by reference; NULL: none (a path variable is then a string) */
	int32_t role;                        /* PB_ROLE_DEFAULT: viewer for GET, else operator; for a method: the method's */
	int64_t deadline_ms;                 /* 0: 30 s */
	uint64_t max_body;                   /* bytes; 0: [http] max_body */
	pb_request_fn *on_request;
	void *self;
	const char *produces; /* content types of its replies, for /openapi.json: "text/csv,application/json"; NULL: application/json */
} pb_route;

/* What happens on a stream. Each may be NULL. After on_close the handle is dead; end() is not followed by on_close. */
typedef struct pb_stream_events {
	uint32_t struct_size;
	size_t max_buffer; /* bytes that may wait for the client; 0: 1 MiB. A write past it closes the stream. Where it is
						  at most 128 KiB, the kernel is told to hold no more either */
	size_t low_buffer; /* on_drain when what waits has fallen to this */
	pb_tick_fn *on_drain;
	pb_data_fn *on_data;  /* upgrade() only */
	pb_tick_fn *on_close; /* the client has left, was too slow, or the daemon stops */
} pb_stream_events;

/* A folder whose files are served where no route is: types, ETag, ranges, .br and .gz beside, index.html for a folder. No
 * listing, no dotfiles, no way out of it. Of several the longest prefix is asked first; [http] docroot comes last. */
typedef struct pb_files {
	uint32_t struct_size;
	int32_t role;              /* PB_ROLE_DEFAULT: viewer */
	const char *prefix;        /* "/" or "/maps/" */
	const char *folder;        /* absolute */
	const char *cache_control; /* NULL: "no-cache", so that the ETag is asked each time */
	const pb_header *headers;  /* on every reply; header_count of them */
	size_t header_count;
} pb_files;

/* err NULL: it listens now. Else BORROWED: it does not, and why; told once, while it is tried again every few seconds. */
typedef void pb_listening_fn(void *self, const pb_error *err);

typedef struct pb_http {
	uint32_t struct_size;
	pb_item *(*add_route)(pb_scope *, const pb_route *, pb_error *err);

	/* The request. BORROWED as long as the request; NULL where there is none. */
	const char *(*method)(const pb_request *);
	const char *(*path)(const pb_request *);                           /* decoded; no query */
	const char *(*target)(const pb_request *);                         /* as sent, with query */
	const char *(*query)(const pb_request *, const char *name);        /* decoded; the first of that name */
	const char *(*header)(const pb_request *, const char *name);       /* case-blind; the first of that name */
	size_t (*headers)(const pb_request *, pb_header *out, size_t max); /* in order; returns how many there are */
	const char *(*body)(const pb_request *, size_t *size);             /* whole body; "" where none */
	const pb_caller *(*caller)(const pb_request *);

	/* The answer: one of these, at once or later. Content-Length, Date, CORS and Connection are the core's. */
	void (*respond)(pb_request *, int status, const pb_header *, size_t headers, const void *body, size_t size);
	void (*respond_json)(pb_request *, int status, json_t *value); /* OWNED */
	void (*fail)(pb_request *, const pb_error *);                  /* the ordinary error shape */
	void (*on_cancel)(pb_request *, pb_tick_fn *, void *self);     /* told once if the client leaves or the deadline passes */

	/* A streamed request body (PB_ROUTE_STREAM_BODY). pause_body: no more data until resumed. */
	void (*on_body)(pb_request *, pb_data_fn *, void *self);
	void (*pause_body)(pb_request *, int is_paused);

	/* A streamed answer: the head is sent at once, then what is written, until end(). A body without Content-Length goes
	 * chunked to HTTP/1.1 clients. events is copied. */
	pb_stream *(*stream)(pb_request *, int status, const pb_header *, size_t headers, const pb_stream_events *events, void *self);
	/* 101 with these headers, then the connection's bytes both ways. */
	pb_stream *(*upgrade)(pb_request *, const char *protocol, const pb_header *, size_t headers, const pb_stream_events *events, void *self);
	size_t (*write)(pb_stream *, const void *data, size_t size); /* copied; returns how many bytes wait now; more than max_buffer: broken, on_close follows */
	size_t (*buffered)(const pb_stream *);
	void (*end)(pb_stream *); /* send what waits, then end */

	pb_item *(*add_files)(pb_scope *, const pb_files *, pb_error *err);

	/* Since 1.1: a further address to listen on, beside [http] listen ("127.0.0.1:5000"), for clients of an older program: plain HTTP
	 * with all routes and the same rules; closed with the item, open connections stay. Not on loopback: only where [auth] mode is
	 * written. An address that is taken is told to `told` (NULL: nobody), with the holder's name. */
	pb_item *(*add_listener)(pb_scope *, const char *address, pb_listening_fn *told, void *self, pb_error *err);
	/* That address, as it was written, where the request came in by it; NULL: by one of [http] listen. BORROWED. */
	const char *(*listener)(const pb_request *);
} pb_http;

#ifdef __cplusplus
}
#endif
