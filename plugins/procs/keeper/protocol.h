/* protocol.h: all that passes between the procs plugin and a keeper, the small program that stands between daemon and command.
 *
 * One keeper a command, so that the command outlives the daemon, and its tree, exit status and log are never lost. Each has a
 * folder KEEP/NAME.NONCE (0711; KEEP belongs to one daemon, which holds a flock on it) with
 *   spec  written by the plugin before the keeper is spawned: records `key=value`, each ended by NUL; keys below
 *   id    written by the keeper before exec (and again for a new main process), by temporary file and rename; lines below
 *   s     the keeper's SOCK_SEQPACKET socket; one controller at a time, the second gets BUSY and end of file
 *   n     the keeper's SOCK_DGRAM socket for sd_notify, where the spec asks for it (0777: the command may be another user)
 *   exit  written by the keeper when the last process of the tree is gone; lines below
 *
 * The exchange
 *   Start  The plugin spawns `keeper FOLDER` with one end of a SEQPACKET pair as descriptor 3: the first controller. The keeper
 *          becomes session leader and child subreaper, listens on s, forks, writes id, lets the child exec, and says HELLO.
 *          Where a step fails before exec, no HELLO comes, but EXIT with `step` and `error`.
 *   Later  A new daemon connects to s and sends GET; the answer is STATE. STATE also comes unasked when the main process, its
 *          readiness or its status text changes, and while something survives SIGKILL (`survivor`).
 *   SIGNAL to the main process, or with KEEP_TREE to all. The answer is DONE with `error`.
 *   STOP   {signal, ms}: the signal and SIGCONT once to all of the tree; past ms cgroup.kill where there is a cgroup, and
 *          SIGKILL in rounds, with reaping between, until no child is left. The clock runs here, so a stop survives the daemon.
 *          A second STOP can only bring the end nearer. The answer is STATE.
 *   End    waitid says ECHILD: what the pipes hold is carried, exit is written, EXIT sent. The keeper ends when the controller
 *          says ACK, after 5 s without, or at once where there is no controller; where exit cannot be written it waits for ACK.
 *          The plugin then removes the folder.
 *   The main process ended well and others of the tree live on (it made itself a daemon): the oldest of the keeper's children
 *   is the new main process, and its status counts. It ended badly: the rest of the tree is stopped as by STOP with the spec's
 *   stop_signal and stop_ms.
 *   SIGTERM to the keeper (the machine goes down) does the same.
 *
 * Trust: the folder is root's or the daemon's user's; a packet counts only with the right magic, version and nonce, a
 * connection only from the same user or root. */
#pragma once
#include <stdint.h>

#define KEEP_MAGIC 0x5065654bu /* "KeeP" */
#define KEEP_VERSION 1
#define KEEP_CONTROL_FD 3
#define KEEP_NONCE 16 /* bytes; in the spec and the folder's name 32 hex digits */
#define KEEP_SPEC_MAX 262144
#define KEEP_ARGS_MAX 512 /* arguments, and as many environment variables */
#define KEEP_PIECE 8192   /* bytes of a log line; longer ones are cut into pieces */

enum keep_type {
	/* the keeper says */
	KEEP_HELLO = 1, /* the command runs */
	KEEP_STATE = 2,
	KEEP_EXIT = 4,
	KEEP_BUSY = 5, /* another controller is there */
	KEEP_DONE = 6, /* answer to SIGNAL and ROTATE: error */
	/* the daemon says */
	KEEP_GET = 16,
	KEEP_SIGNAL = 17,
	KEEP_STOP = 18,
	KEEP_ROTATE = 19, /* begin a new log file now */
	KEEP_ACK = 20
};

enum keep_flags {
	KEEP_IS_READY = 1, /* READY=1 was notified */
	KEEP_IS_STOPPING = 2,
	KEEP_IS_KILLING = 4,   /* past the deadline; in EXIT: SIGKILL was needed */
	KEEP_IS_MAIN_GONE = 8, /* the main process has ended, others of the tree have not */
	KEEP_HAS_CGROUP = 16,
	KEEP_IS_SUCCESSOR = 32, /* the main process is not the one that was started */
	KEEP_TREE = 64          /* SIGNAL: to all of the tree */
};

enum keep_step { /* where a start failed */
	KEEP_STEP_NONE = 0,
	KEEP_STEP_SPEC = 1, /* the keeper itself: spec, sockets, pipes */
	KEEP_STEP_FORK = 2,
	KEEP_STEP_NICE = 3,
	KEEP_STEP_IOPRIO = 4,
	KEEP_STEP_LIMIT = 5,
	KEEP_STEP_GROUPS = 6,
	KEEP_STEP_GID = 7,
	KEEP_STEP_UID = 8,
	KEEP_STEP_DIRECTORY = 9,
	KEEP_STEP_EXEC = 10,
	KEEP_STEP_OOM = 11
};

/* Every packet, both ways. What a type does not use is 0. */
struct keep_packet {
	uint32_t magic;
	uint16_t version, type;
	uint8_t nonce[KEEP_NONCE];
	uint32_t seq; /* the daemon's; an answer carries the request's, 0 is unasked */
	uint32_t flags;
	int32_t pid;    /* the main process */
	int32_t signal; /* SIGNAL, STOP: to send; EXIT: that ended the main process, or 0 */
	int32_t code;   /* EXIT: exit status of the main process; -1: a signal, or unknown */
	int32_t step, error;
	int32_t survivor;           /* a process that SIGKILL does not end */
	uint32_t ms;                /* STOP: time until SIGKILL; 0: at once */
	uint32_t killed;            /* EXIT: processes that got SIGKILL */
	uint64_t start;             /* of the main process, as in /proc/PID/stat */
	uint64_t lost;              /* log lines that could not be written */
	int64_t began_ms, ended_ms; /* unix time */
	char text[128];             /* STATUS= as notified; NUL-terminated */
};

/* The spec's keys. Unknown ones are ignored; those marked * may come again.
 *   v=1  name=  nonce=32 hex digits  boot=boot id, copied to id
 *   arg=*  env=K=V*  dir=
 *   uid=  gid=  groups=1,2,3      all three, or none
 *   limit=RESOURCE:SOFT:HARD*     numbers; "-" is RLIM_INFINITY
 *   nice=  ioprio=CLASS:LEVEL  oom=  umask=octal
 *   log=path  log_bytes=  log_files=   older ones: path.1 … path.log_files
 *   cgroup=path of a new cgroup v2 folder for this start; cgns=1: a cgroup namespace of its own
 *   notify=1                      socket n
 *   stop_signal=  stop_ms=        of a stop that the keeper begins itself
 *   scan=1                        look for children through all of /proc, not .../children
 *
 * id, a line each:   keeper PID START / main PID START / boot ID / cgns INODE / cgroup PATH (or -) / began UNIX_MS
 * exit, a line each: main CODE SIGNAL / began UNIX_MS / ended UNIX_MS / killed N / lost N / failed STEP ERRNO
 *
 * A log line is "SECONDS.MILLIS L TEXT\n": unix time, then o or e (stdout, stderr) or k (the keeper's own note); in capitals
 * where the line goes on in the next one of that stream. Any byte but newline may stand in TEXT. */
