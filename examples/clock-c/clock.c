/* clock-c: tells the time, once an interval. The same as examples/clock, in C. */
#include <patchbay/http.h>

#include <stdlib.h>
#include <time.h>

struct clock {
	const pb_host *host;
	pb_item *now, *timer;
	json_int_t count;
};

/* [plugins.clock-c] in patchbay.toml, and the arguments of clock-c.set_interval. */
static const pb_field settings[] = {
	{.name = "interval", .type = PB_DURATION, .fallback = "1s", .help = "time between two values of clock-c/now", .min = 0.1, .max = 3600}, {.name = NULL}};

static int64_t set_interval(struct clock *c, const json_t *args)
{
	const int64_t ms = (int64_t)(json_number_value(json_object_get(args, "interval")) * 1000 + 0.5); /* durations come as seconds */
	c->host->set_timer(c->timer, 0, ms);
	return ms;
}

static void on_timer(void *self)
{
	struct clock *c = self;
	struct timespec t;
	timespec_get(&t, TIME_UTC);
	const json_int_t ms = (json_int_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
	c->host->publish(c->now, json_pack("{s:I, s:I}", "unix_ms", ms, "count", ++c->count));
}

static void on_set_interval(void *self, pb_call *call, const json_t *args)
{
	struct clock *c = self;
	c->host->reply(call, json_pack("{s:I}", "interval_ms", (json_int_t)set_interval(c, args)));
}

static int on_configure(void *self, const json_t *given, pb_error *err)
{
	(void)err;
	set_interval(self, given);
	return 0;
}

static void on_stop(void *self) { free(self); } /* what is registered goes with the scope */

static int on_start(const pb_host *host, pb_scope *scope, const json_t *given, void **self, pb_error *err)
{
	struct clock *c = calloc(1, sizeof *c);
	if (!c) abort();
	c->host = host;
	const pb_topic now = {.struct_size = sizeof now, .flags = PB_DROP_SAME, .name = "clock-c/now", .help = "unix time in ms and the number of values so far"};
	const pb_route route = {.struct_size = sizeof route, .pattern = "GET clock-c", .target = "topic:clock-c/now"};
	const pb_method method = {
		.struct_size = sizeof method, .name = "clock-c.set_interval", .help = "change the interval", .params = settings, .on_call = on_set_interval, .self = c};
	if (!(c->now = host->add_topic(scope, &now, err)) || !host->http->add_route(scope, &route, err) || !host->add_method(scope, &method, err) ||
		!(c->timer = host->add_timer(scope, on_timer, c, err))) {
		free(c);
		return -1;
	}
	set_interval(c, given);
	*self = c;
	return 0;
}

__attribute__((visibility("default"))) const pb_plugin patchbay_plugin_v1 = {
	.struct_size = sizeof(pb_plugin),
	.abi_major = PB_ABI_MAJOR,
	.abi_minor = PB_ABI_MINOR,
	.name = "clock-c",
	.version = "1.0.0",
	.settings = settings,
	.start = on_start,
	.configure = on_configure,
	.stop = on_stop,
};
