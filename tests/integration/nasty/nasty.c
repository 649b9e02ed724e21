/* nasty.c: what the field's scripts and daemons do, and worse, one mode each, for the tests of the process coordinator.
 *   nasty MODE [N] [WORD]
 * Every process of it ends by itself after NASTY_LIFE seconds (60), and storms are bounded. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned life = 60;
static char **arguments;

static void rest(void)
{
	alarm(life);
	for (;;) pause();
}

static pid_t child(void)
{
	const pid_t pid = fork();
	if (pid == 0) alarm(life); /* not inherited */
	return pid;
}

static void ignore_all(void)
{
	for (int i = 1; i < 65; ++i)
		if (i != SIGALRM) signal(i, SIG_IGN);
}

static void forks(long n)
{
	for (long i = 0; i < n; ++i)
		if (child() == 0) rest();
	puts("forked");
	fflush(stdout);
	rest();
}

/* A tree of depth n, each level in a session of its own and deaf to SIGTERM. */
static void deep(long n)
{
	signal(SIGTERM, SIG_IGN);
	for (; n > 0; --n) {
		if (child() > 0) rest();
		setsid();
	}
	puts("deep");
	fflush(stdout);
	rest();
}

static void daemonise(int closes, int fails)
{
	if (child() > 0) _exit(fails);
	setsid();
	if (child() > 0) _exit(0);
	if (closes)
		for (int fd = 0; fd < 1024; ++fd) close(fd);
	rest();
}

/* Processes that fork as fast as they can, at most n at once. */
static void bomb(long n)
{
	long *count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const time_t end = time(NULL) + life;
	*count = 1;
	signal(SIGCHLD, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	for (;;) {
		if (__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST) <= n) {
			if (child() < 0) __atomic_sub_fetch(count, 1, __ATOMIC_SEQ_CST);
		} else {
			__atomic_sub_fetch(count, 1, __ATOMIC_SEQ_CST);
			usleep(1000);
		}
		if (time(NULL) > end) _exit(0);
	}
}

/* n chains that run away: each forks and its parent exits, until the end. */
static void chains(long n)
{
	const time_t end = time(NULL) + life;
	for (long i = 0; i < n; ++i) {
		if (child() > 0) continue;
		signal(SIGTERM, SIG_IGN);
		for (;;) {
			if (time(NULL) > end) _exit(0);
			setsid();
			if (child() > 0) _exit(0);
			usleep(500);
		}
	}
	rest();
}

static void *fork_in_thread(void *unused)
{
	(void)unused;
	if (child() == 0) rest();
	rest();
	return NULL;
}

static void flood(long megabytes, int is_binary)
{
	static char block[65536];
	for (size_t i = 0; i < sizeof block; ++i) block[i] = is_binary ? (char)(i * 7 + i / 256) : 'x';
	alarm(life);
	for (long i = 0; i < megabytes * 16; ++i)
		if (write(1, block, sizeof block) < 0) _exit(3);
	if (is_binary) rest();
	_exit(0);
}

static void lines(long n)
{
	for (long i = 0; i < n; ++i) printf("line %ld\n", i);
	fflush(stdout);
}

static void notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (!path || strlen(path) >= sizeof a.sun_path) _exit(4);
	strcpy(a.sun_path, path);
	if (sendto(fd, text, strlen(text), 0, (struct sockaddr *)&a, sizeof a) < 0) _exit(5);
	close(fd);
}

static void respawn_pair(void)
{
	const pid_t first = getpid();
	for (;;) { /* the parent brings back a killed child, the child (orphaned) starts a new parent */
		const pid_t pid = child();
		if (pid == 0) {
			while (getppid() == first) usleep(500);
			execv("/proc/self/exe", arguments);
			_exit(6);
		}
		waitpid(pid, NULL, 0);
	}
}

static void run(const char *mode, long n, const char *word)
{
	if (!strcmp(mode, "rest")) rest();
	if (!strcmp(mode, "exit")) _exit((int)n);
	if (!strcmp(mode, "say")) {
		fprintf(stderr, "%s\n", word);
		_exit((int)n);
	}
	if (!strcmp(mode, "late-exit")) {
		usleep((useconds_t)n * 1000);
		_exit(7);
	}
	if (!strcmp(mode, "signal")) {
		raise((int)n);
		rest();
	}
	if (!strcmp(mode, "fork")) forks(n);
	if (!strcmp(mode, "deep")) deep(n);
	if (!strcmp(mode, "deaf")) {
		ignore_all();
		puts("deaf");
		fflush(stdout);
		rest();
	}
	if (!strcmp(mode, "stop-self")) {
		raise(SIGSTOP);
		rest();
	}
	if (!strcmp(mode, "daemon")) daemonise(0, 0);
	if (!strcmp(mode, "daemon-closed")) daemonise(1, 0);
	if (!strcmp(mode, "fail-and-leave")) daemonise(1, 9);
	if (!strcmp(mode, "bomb")) bomb(n);
	if (!strcmp(mode, "chains")) chains(n);
	if (!strcmp(mode, "pair")) respawn_pair();
	if (!strcmp(mode, "flood")) flood(n, 0);
	if (!strcmp(mode, "binary")) flood(n, 1);
	if (!strcmp(mode, "lines")) {
		lines(n);
		rest();
	}
	if (!strcmp(mode, "both")) {
		puts("to stdout");
		fflush(stdout);
		fputs("to stderr\n", stderr);
		rest();
	}
	if (!strcmp(mode, "prompt")) {
		printf("Password: ");
		fflush(stdout);
		rest();
	}
	if (!strcmp(mode, "close-out")) {
		close(1);
		close(2);
		rest();
	}
	if (!strcmp(mode, "rename")) {
		prctl(PR_SET_NAME, "a) S 1 (b c");
		if (child() == 0) rest();
		rest();
	}
	if (!strcmp(mode, "notify")) {
		usleep((useconds_t)n * 1000);
		notify("STATUS=at work\nREADY=1");
		rest();
	}
	if (!strcmp(mode, "thread")) {
		pthread_t t;
		pthread_create(&t, NULL, fork_in_thread, NULL);
		puts("threaded");
		fflush(stdout);
		rest();
	}
	if (!strcmp(mode, "clear-environment")) {
		char *none[] = {NULL};
		char *argv[] = {arguments[0], "rest", NULL};
		execve("/proc/self/exe", argv, none);
	}
	if (!strcmp(mode, "touch")) {
		usleep((useconds_t)n * 1000);
		close(open(word, O_CREAT | O_WRONLY, 0644));
		rest();
	}
	fprintf(stderr, "nasty: no mode %s\n", mode);
	_exit(2);
}

int main(int argc, char **argv)
{
	arguments = argv;
	if (getenv("NASTY_LIFE")) life = (unsigned)atoi(getenv("NASTY_LIFE"));
	alarm(life);
	run(argc > 1 ? argv[1] : "rest", argc > 2 ? atol(argv[2]) : 0, argc > 3 ? argv[3] : "");
}
