/* The border as a C plugin sees it: the functions of pb_host against a real core. */
#include "host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64];
static const pb_host *host;
static pb_scope *scope;
static pb_error err;

/* What the callbacks write down. */
static int called, status;
static char seen[4096];
static pb_call *held;

static int set_up(void **state)
{
	(void)state;
	snprintf(directory, sizeof directory, "/tmp/patchbay-abi.XXXXXX");
	if (!mkdtemp(directory)) return -1;
	host = abi_begin(directory);
	scope = abi_scope("guest");
	called = status = 0;
	seen[0] = 0;
	held = NULL;
	err = (pb_error){.struct_size = sizeof err};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	char path[128];
	abi_end();
	const char *files[] = {"state.db", "state.db-wal", "state.db-shm", "state.lock", "log"};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "%s/%s", directory, files[i]);
		unlink(path);
	}
	rmdir(directory);
	return 0;
}

static void on_tick(void *self) { *(int *)self += 1; }

static void on_fd(void *self, int fd, uint32_t what)
{
	char byte;
	assert_int_equal(what, PB_READ);
	assert_int_equal(read(fd, &byte, 1), 1);
	*(int *)self = byte;
}

static void on_value(void *self, const pb_value *v)
{
	(void)self;
	char *text = v->json ? json_dumps(v->json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	const size_t have = strlen(seen);
	snprintf(seen + have, sizeof seen - have, "%s=%s;", v->topic, v->text ? v->text : text ? text : "gone");
	free(text);
	called++;
}

static void on_watch(void *self, int is_watched) { *(int *)self = is_watched ? 1 : 2; }

static void on_done(void *self, const pb_result *r)
{
	(void)self;
	char *text = r->json ? json_dumps(r->json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS) : NULL;
	snprintf(seen, sizeof seen, "%s", r->err ? r->err->text : r->text ? r->text : text ? text : "");
	status = r->err ? r->err->status : 200;
	free(text);
	called++;
}

static void on_echo(void *self, pb_call *call, const json_t *args)
{
	(void)self;
	host->reply(call, json_pack("{s:O}", "got", json_object_get(args, "n")));
}

static void on_text(void *self, pb_call *call, const json_t *args)
{
	(void)self, (void)args;
	host->reply_text(call, "[1,2]", 5);
}

static void on_fail(void *self, pb_call *call, const json_t *args)
{
	(void)self, (void)args;
	const pb_error e = {.struct_size = sizeof e, .status = 409, .code = "TAKEN", .text = "somebody has it"};
	(host->fail)(call, &e); /* parenthesized: cmocka has a macro of that name */
}

static void on_keep(void *self, pb_call *call, const json_t *args)
{
	(void)args;
	held = call;
	if (self) host->on_cancel(call, on_tick, self);
}

static void the_table_says_what_it_is(void **state)
{
	(void)state;
	assert_int_equal(host->struct_size, sizeof(pb_host));
	assert_int_equal(host->abi_major, PB_ABI_MAJOR);
	assert_int_equal(host->http->struct_size, sizeof(pb_http));
	assert_string_equal(host->state_dir, directory);
	assert_non_null(host->base(scope));
}

static void a_timer_ticks_until_it_is_dropped(void **state)
{
	(void)state;
	int ticks = 0;
	pb_item *timer = host->add_timer(scope, on_tick, &ticks, &err);
	assert_non_null(timer);
	host->set_timer(timer, 0, 5);
	assert_true(abi_wait(&ticks, 3) >= 3);
	host->drop(timer);
	const int then = ticks;
	abi_turn(50);
	assert_int_equal(ticks, then);
}

static void a_descriptor_is_watched_only_while_asked(void **state)
{
	(void)state;
	int pair[2], got = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pb_item *fd = host->add_fd(scope, pair[0], on_fd, &got, &err);
	assert_int_equal(write(pair[1], "x", 1), 1);
	abi_turn(30);
	assert_int_equal(got, 0);
	host->set_fd(fd, PB_READ);
	assert_int_equal(abi_wait(&got, 1), 'x');
	host->drop(fd);
	close(pair[0]), close(pair[1]);
	assert_null(host->add_fd(scope, -1, on_fd, &got, &err));
	assert_int_equal(err.status, 400);
}

static void injected_and_worked_jobs_come_back_on_the_loop(void **state)
{
	(void)state;
	int injected = 0, worked = 0;
	host->inject(scope, on_tick, &injected);
	assert_int_equal(abi_wait(&injected, 1), 1);
	assert_int_equal(host->work(scope, on_tick, on_tick, &worked, &err), 0);
	assert_int_equal(abi_wait(&worked, 2), 2);
}

static void a_topic_is_kept_pushed_and_gone_with_its_item(void **state)
{
	(void)state;
	int watched = 0;
	const pb_topic t = {.struct_size = sizeof t, .flags = PB_DROP_SAME, .name = "guest/x", .help = "h", .on_watch = on_watch, .self = &watched};
	pb_item *topic = host->add_topic(scope, &t, &err);
	assert_non_null(topic);
	assert_null(host->add_topic(scope, &t, &err)); /* twice */
	assert_int_equal(err.status, 409);
	host->publish(topic, json_integer(1));
	pb_item *look = host->subscribe(scope, "guest/*", 0, on_value, NULL, &err);
	assert_int_equal(called, 0); /* never from inside the call that registers */
	assert_int_equal(abi_wait(&called, 1), 1);
	assert_string_equal(seen, "guest/x=1;"); /* the kept value */
	assert_int_equal(abi_wait(&watched, 1), 1);
	host->publish(topic, json_integer(1)); /* no change */
	host->publish_text(topic, "{\"a\":2}", 7);
	assert_int_equal(abi_wait(&called, 2), 2);
	host->drop(topic);
	assert_int_equal(abi_wait(&called, 3), 3);
	assert_string_equal(seen, "guest/x=1;guest/x={\"a\":2};guest/x=gone;");
	host->drop(look);
	assert_null(host->subscribe(scope, "a//b", 0, on_value, NULL, &err));
	assert_int_equal(err.status, 400);
}

static void call(const char *method, json_t *args, uint32_t flags, int expected)
{
	called = 0;
	host->call(scope, method, args, 0, flags, on_done, NULL);
	assert_int_equal(called, 0);
	assert_int_equal(abi_wait(&called, 1), 1);
	assert_int_equal(status, expected);
}

static void a_method_answers_checks_and_fails(void **state)
{
	(void)state;
	static const pb_field params[] = {{.name = "n", .type = PB_INTEGER, .fallback = "7", .help = "a number", .min = 1, .max = 9}, {0}};
	pb_method m = {.struct_size = sizeof m, .name = "guest.echo", .help = "h", .params = params, .on_call = on_echo};
	assert_non_null(host->add_method(scope, &m, &err));
	m.name = "guest.text", m.params = NULL, m.on_call = on_text;
	assert_non_null(host->add_method(scope, &m, &err));
	m.name = "guest.fail", m.on_call = on_fail;
	assert_non_null(host->add_method(scope, &m, &err));

	call("guest.echo", NULL, 0, 200);
	assert_string_equal(seen, "{\"got\":7}");
	call("guest.echo", json_pack("{s:i}", "n", 10), 0, 400);
	call("guest.echo", json_pack("{s:i}", "m", 1), 0, 400);
	call("guest.text", NULL, PB_AS_TEXT, 200);
	assert_string_equal(seen, "[1,2]");
	call("guest.fail", NULL, 0, 409);
	assert_string_equal(seen, "somebody has it");
	call("guest.none", NULL, 0, 404);
}

static void a_call_that_nobody_answers_ends_and_its_handle_stays_good(void **state)
{
	(void)state;
	int cancelled = 0;
	const pb_method m = {.struct_size = sizeof m, .name = "guest.keep", .help = "h", .on_call = on_keep, .self = &cancelled};
	assert_non_null(host->add_method(scope, &m, &err));
	host->call(scope, "guest.keep", NULL, 30, 0, on_done, NULL);
	assert_int_equal(abi_wait(&called, 1), 1);
	assert_int_equal(status, 504);
	assert_int_equal(cancelled, 1);
	assert_non_null(held);
	host->reply(held, json_true()); /* to nobody */
	abi_turn(20);
	assert_int_equal(called, 1);
}

static void a_scope_that_ends_takes_all_with_it(void **state)
{
	(void)state;
	pb_scope *other = abi_scope("other");
	const pb_method m = {.struct_size = sizeof m, .name = "other.keep", .help = "h", .on_call = on_keep};
	const pb_topic t = {.struct_size = sizeof t, .name = "other/x", .help = "h"};
	assert_non_null(host->add_method(other, &m, &err));
	assert_non_null(host->add_topic(other, &t, &err));
	assert_null(host->add_topic(scope, &t, &err)); /* another plugin's */
	assert_int_equal(err.status, 409);
	host->call(scope, "other.keep", NULL, 0, 0, on_done, NULL);
	for (int i = 0; i < 400 && !held; i++) abi_turn(5);
	assert_non_null(held);
	host->state_get(other, "x", on_done, NULL); /* its end is never told: the scope has gone */
	abi_end_scope(other);
	assert_int_equal(abi_wait(&called, 1), 1);
	assert_int_equal(status, 503);
	abi_turn(50);
	assert_int_equal(called, 1);
	call("other.keep", NULL, 0, 404);
}

static void state_is_kept_listed_and_removed(void **state)
{
	(void)state;
	host->state_put(scope, "a/1", json_pack("{s:i}", "n", 1), 0, on_done, NULL);
	host->state_put(scope, "a/2", json_true(), PB_DURABLE, on_done, NULL);
	host->state_get(scope, "a/1", on_done, NULL);
	assert_int_equal(abi_wait(&called, 3), 3);
	assert_string_equal(seen, "{\"n\":1}");
	host->state_list(scope, "a/", on_done, NULL);
	assert_int_equal(abi_wait(&called, 4), 4);
	assert_string_equal(seen, "{\"a/1\":{\"n\":1},\"a/2\":true}");
	host->state_remove(scope, "a/1", 0, on_done, NULL);
	host->state_get(scope, "a/1", on_done, NULL);
	assert_int_equal(abi_wait(&called, 6), 6);
	assert_string_equal(seen, "null");
	host->journal_append(scope, "j", json_string("one"), 0, NULL, NULL);
	host->journal_append(scope, "j", json_string("two"), 0, on_done, NULL);
	host->journal_trim(scope, "j", 1, on_done, NULL);
	host->journal_read(scope, "j", 0, 10, on_done, NULL);
	assert_int_equal(abi_wait(&called, 9), 9);
	assert_non_null(strstr(seen, "two"));
	assert_null(strstr(seen, "one"));
}

static void a_file_is_replaced_and_appended_whole(void **state)
{
	(void)state;
	char path[128], text[64] = "";
	snprintf(path, sizeof path, "%s/log", directory);
	host->file_replace(scope, path, "first\n", 6, 0640, PB_DURABLE, on_done, NULL);
	host->file_append(scope, path, "second", 6, 0640, 0, on_done, NULL);
	assert_int_equal(abi_wait(&called, 2), 2);
	assert_int_equal(status, 200);
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fread(text, 1, sizeof text - 1, f), 13);
	fclose(f);
	assert_string_equal(text, "first\nsecond\n");
	host->file_replace(scope, "/nowhere/at/all", "x", 1, 0640, 0, on_done, NULL);
	assert_int_equal(abi_wait(&called, 3), 3);
	assert_true(status >= 400);
}

static void a_route_needs_a_pattern_and_a_target(void **state)
{
	(void)state;
	pb_route r = {.struct_size = sizeof r, .pattern = "GET guest", .help = "h", .target = "topic:guest/x"};
	pb_item *route = host->http->add_route(scope, &r, &err);
	assert_non_null(route);
	assert_null(host->http->add_route(scope, &r, &err));
	assert_int_equal(err.status, 409);
	host->drop(route);
	r.pattern = "GET {";
	assert_null(host->http->add_route(scope, &r, &err));
	assert_int_equal(err.status, 400);
	r.pattern = "GET guest", r.target = NULL;
	assert_null(host->http->add_route(scope, &r, &err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_table_says_what_it_is),
		TEST(a_timer_ticks_until_it_is_dropped),
		TEST(a_descriptor_is_watched_only_while_asked),
		TEST(injected_and_worked_jobs_come_back_on_the_loop),
		TEST(a_topic_is_kept_pushed_and_gone_with_its_item),
		TEST(a_method_answers_checks_and_fails),
		TEST(a_call_that_nobody_answers_ends_and_its_handle_stays_good),
		TEST(a_scope_that_ends_takes_all_with_it),
		TEST(state_is_kept_listed_and_removed),
		TEST(a_file_is_replaced_and_appended_whole),
		TEST(a_route_needs_a_pattern_and_a_target),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
