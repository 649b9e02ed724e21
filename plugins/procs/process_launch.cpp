// From a wish to a running tree: a stranger to adopt, ports that must be free, interfaces that must be ours, then the runner.
#include "process.hpp"

#include "keeper_spawn.hpp"
#include "lost.hpp"
#include "strangers.hpp"

#include <fmt/format.h>

#include <cassert>

namespace procs {

namespace {
constexpr milliseconds ask_limit{60000}; // bringing an interface into a mode takes seconds
} // namespace

void Process::launch()
{
	++attempt;
	if (settings.observed) {
		step = Step::spawning;
		probe = std::make_unique<Probe>(context, settings.ready, "", 0, settings.ready.timeout, *this);
		return;
	}
	if (settings.adopt) return find_foreign();
	step = Step::asking;
	ask_ports(0);
}

void Process::find_foreign()
{
	step = Step::adopting;
	const bool is_taken = context.scope.work([rule = *settings.adopt, roots = owner.kept_roots()] { return find_stranger(rule, roots); },
		[this, now = attempt, token = alive](Identity who) noexcept {
			if (!*token || now != attempt) return;
			step = Step::asking;
			if (who) return adopt(who);
			ask_ports(0);
		});
	if (!is_taken) fail(pb::Error(503, "", fmt::format("{}: the worker pool is busy; try again", name)));
}

/// A method of another plugin, which may not be there: then there is nothing to ask, and `then` gets nothing.
void Process::ask(const char *method, pb::Json args, const std::string &for_what, std::function<void(const json_t *)> then)
{
	context.scope.call(
		method, std::move(args),
		[this, for_what, then = std::move(then), now = attempt, token = alive](const pb::Result &r) {
			if (!*token || now != attempt) return;
			const bool is_absent = !r.ok() && r.error()->status == 404 && std::string_view(r.error()->text).starts_with("no method");
			if (r.ok() || is_absent) return then(r.json());
			fail(pb::Error(r.error()->status, r.error()->code, fmt::format("{} needs {}: {}", name, for_what, r.error()->text)));
		},
		ask_limit);
}

/// What the port table says of it first, then its own `ports`, one by one.
void Process::ask_ports(std::size_t index)
{
	if (index > settings.ports.size()) return ask_interfaces(0);
	if (index == 0) {
		return ask("ports.check", {{"process", name}}, "its ports", [this](const json_t *r) {
			const json_t *first = json_array_get(pb::at(r, "conflicts"), 0);
			if (first) fail(port_error(pb::integer_at(first, "port"), pb::at(first, "holder")));
			else ask_ports(1);
		});
	}
	const int port = settings.ports[index - 1];
	ask("ports.check", {{"port", port}}, fmt::format("port {}", port), [this, port, index](const json_t *r) {
		const json_t *first = json_array_get(pb::at(r, "holders"), 0);
		if (first) fail(port_error(port, first));
		else ask_ports(index + 1);
	});
}

pb::Error Process::port_error(std::int64_t port, const json_t *holder) const
{
	return pb::Error(409, "CONFLICT",
		fmt::format(
			"{} needs port {}, and {} (PID {}) listens on it", name, port, pb::text_at(holder, "command", "another program"), pb::integer_at(holder, "pid")),
		pb::Json::share(holder ? holder : json_null()));
}

void Process::ask_interfaces(std::size_t index)
{
	if (index >= settings.interfaces.size()) return run_command();
	const Interface &i = settings.interfaces[index];
	pb::Json args = {{"name", i.name}, {"owner", name}};
	if (!i.mode.empty()) args.set("mode", i.mode);
	interfaces_held = index + 1; // from now on: a refused one is released as well, which does no harm
	ask("netif.acquire", std::move(args), "interface " + i.name, [this, index](const json_t *) { ask_interfaces(index + 1); });
}

void Process::release_interfaces()
{
	for (; interfaces_held > 0; --interfaces_held) {
		const Interface &i = settings.interfaces[interfaces_held - 1];
		context.scope.call("netif.release", {{"name", i.name}, {"owner", name}}, {}, ask_limit);
	}
}

void Process::run_command()
{
	if (settings.unit.empty() && !context.no_commands.empty()) return fail(pb::Error(503, "", fmt::format("{}: {}", name, context.no_commands)));
	assert(!runner); // or two would run
	step = Step::spawning;
	runner = settings.unit.empty() ? make_keeper_runner(context, *this, name, settings) : make_unit_runner(context, *this, settings);
	runner->start(extra);
	extra = {};
}

void Process::begin_probe()
{
	const Ready &r = settings.ready;
	const bool has_no_output = runner->is_adopted() && (r.kind == Ready::Kind::notify || r.kind == Ready::Kind::log); // to us
	const bool is_noticed =
		r.kind == Ready::Kind::none || (r.kind == Ready::Kind::notify && runner->is_notified()) || std::exchange(was_ready, false) || has_no_output;
	if (is_noticed) return on(Event::ready);
	probe = std::make_unique<Probe>(context, r, log_of(context.paths, name), runner->began_ms, r.timeout, *this);
}

} // namespace procs
