#include "host/native.hpp"
#include "build_config.hpp"

#include <patchbay/patchbay.hpp>

#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

namespace core::host {

namespace {

constexpr std::size_t log_lines = 500; // for those who open the log now

struct ByName {
	std::string name;
	static constexpr auto fields = pb::fields(pb::field("name", &ByName::name, {.min = 1, .max = 64, .help = "the plugin's name"}));
};
struct ByTopic {
	std::string topic;
	static constexpr auto fields = pb::fields(pb::field("topic", &ByTopic::topic, {.min = 1, .max = 128, .help = "the topic's name, as in gps/fix"}));
};
struct ByMethod {
	std::string method;
	static constexpr auto fields =
		pb::fields(pb::field("method", &ByMethod::method, {.min = 1, .max = 128, .help = "the method's name, as in gpsd.reconnect"}));
};
struct LogQuery {
	std::int64_t lines;
	static constexpr auto fields =
		pb::fields(pb::field("lines", &LogQuery::lines, {.fallback = "100", .min = 1, .max = 500, .help = "how many of the newest lines"}));
};

const char *role_name(int role) noexcept
{
	switch (role) {
	case PB_VIEWER: return "viewer";
	case PB_OPERATOR: return "operator";
	case PB_ADMIN: return "admin";
	default: return "public";
	}
}

double seconds(std::chrono::nanoseconds t) { return std::chrono::duration<double>(t).count(); }

long resident_bytes()
{
	const std::unique_ptr<FILE, int (*)(FILE *)> f(std::fopen("/proc/self/statm", "re"), &std::fclose);
	long size = 0, resident = 0;
	if (f && std::fscanf(f.get(), "%ld %ld", &size, &resident) == 2) return resident * sysconf(_SC_PAGESIZE);
	return 0;
}

} // namespace

struct Native::Face {
	Face(Services &services_, Host &host_, HostScope &raw);

	void on_plugins(const pb::None &, const pb::None &, const pb::None &, pb::Request request);
	void on_topics(const pb::None &, const pb::None &, const pb::None &, pb::Request request);
	void on_topic(const ByTopic &path, const pb::None &, const pb::None &, pb::Request request);
	void on_methods(const pb::None &, const pb::None &, const pb::None &, pb::Request request);
	void on_config(const pb::None &, const pb::None &, const pb::None &, pb::Request request);
	void on_log(const pb::None &, const LogQuery &query, const pb::None &, pb::Request request);
	void on_call(const ByMethod &path, const pb::None &, const pb::None &, pb::Request request);
	void on_enable(const ByName &args, pb::Reply reply) { host.enable(args.name, true, answer(std::move(reply))); }
	void on_disable(const ByName &args, pb::Reply reply) { host.enable(args.name, false, answer(std::move(reply))); }
	void on_reload(const ByName &args, pb::Reply reply) { host.reload(args.name, answer(std::move(reply))); }
	void on_change() noexcept;
	void figures(Exposition &e) const;

	static Host::Done answer(pb::Reply reply)
	{
		return [r = std::make_shared<pb::Reply>(std::move(reply))](Result<pb::Json> result) { // shared: std::function copies
			if (result) (*r)(std::move(*result));
			else r->fail(result.error().status, result.error().code, result.error().text);
		};
	}

	Services &services;
	Host &host;
	const std::int64_t since_ms = pb::unix_ms();
	pb::Json config = {{"file", nullptr}, {"ok", true}};
	std::deque<pb::Json> log;
	pb::Scope scope;
	bool is_change_planned = false;

	pb::Topic plugins_topic, log_topic;
	pb::Method<ByName> enable, disable, reload;
	pb::Handler<> plugins, topics, methods, config_route;
	pb::Handler<ByTopic> topic;
	pb::Handler<pb::None, LogQuery> log_route;
	pb::Handler<ByMethod> call;
	pb::Route enable_route, disable_route, reload_route;
};

Native::Face::Face(Services &services_, Host &host_, HostScope &raw)
	: services(services_), host(host_), scope(&services.table, &raw),
	  plugins_topic(scope, "core/plugins", "the plugins and their states, and whether the configuration is good"),
	  log_topic(scope, "core/log", "each line of the log as it is written", PB_TRANSIENT),
	  enable(scope, "plugins.enable", pb::bind<&Face::on_enable>(this),
		  {.help = "start a plugin and keep it on", .role = PB_ADMIN, .deadline = std::chrono::seconds(60)}),
	  disable(scope, "plugins.disable", pb::bind<&Face::on_disable>(this),
		  {.help = "stop a plugin and keep it off", .role = PB_ADMIN, .deadline = std::chrono::seconds(60)}),
	  reload(scope, "plugins.reload", pb::bind<&Face::on_reload>(this),
		  {.help = "load a plugin's file again, in place", .role = PB_ADMIN, .deadline = std::chrono::seconds(60)}),
	  plugins(scope, "GET plugins", pb::bind<&Face::on_plugins>(this), {.help = "all plugins, their states and scopes"}),
	  topics(scope, "GET topics", pb::bind<&Face::on_topics>(this), {.help = "all topics"}),
	  methods(scope, "GET methods", pb::bind<&Face::on_methods>(this), {.help = "all methods and their parameters"}),
	  config_route(scope, "GET config", pb::bind<&Face::on_config>(this),
		  {.help = "the settings in force, without secrets, and what is not the default", .role = PB_ADMIN}),
	  topic(scope, "GET topics/{topic…}", pb::bind<&Face::on_topic>(this), {.help = "a topic's kept value"}),
	  log_route(scope, "GET log", pb::bind<&Face::on_log>(this), {.help = "the newest lines of the daemon's log"}),
	  call(scope, "POST call/{method}", pb::bind<&Face::on_call>(this), {.help = "call a method: a JSON object in, {\"result\":…} out"}),
	  enable_route(scope, "POST plugins/{name}/enable", "method:plugins.enable", {.help = "start a plugin and keep it on"}),
	  disable_route(scope, "POST plugins/{name}/disable", "method:plugins.disable", {.help = "stop a plugin and keep it off"}),
	  reload_route(scope, "POST plugins/{name}/reload", "method:plugins.reload", {.help = "load a plugin's file again, in place"})
{
	if (!scope.errors.empty()) services.log.error("the core's own routes: " + scope.errors);
	host.on_change = bind<&Face::on_change>(this);
	services.metrics.add([this](Exposition &e) { figures(e); });
	services.log.on_line = [this](pb_level level, std::string_view plugin, std::string_view message, const json_t *fields) {
		static constexpr const char *names[]{"error", "warn", "info", "debug"};
		pb::Json line{{"time_ms", pb::unix_ms()}, {"level", names[level]}, {"plugin", plugin}, {"message", message},
			{"fields", fields ? pb::Json::share(fields) : pb::Json(nullptr)}};
		log_topic.publish(line.copy());
		log.push_back(std::move(line));
		if (log.size() > log_lines) log.pop_front();
	};
	on_change();
}

void Native::Face::on_change() noexcept
{
	if (std::exchange(is_change_planned, true)) return;
	services.reactor.defer([this] {
		is_change_planned = false;
		plugins_topic.publish({{"plugins", host.describe(false)}, {"config", config.copy()}});
	});
}

void Native::Face::on_plugins(const pb::None &, const pb::None &, const pb::None &, pb::Request request)
{
	pb::Json daemon = {{"version", PATCHBAY_VERSION}, {"pid", getpid()}, {"since_ms", since_ms}};
	request.json(200, {{"plugins", host.describe(true)}, {"config", config.copy()}, {"daemon", std::move(daemon)}});
}

void Native::Face::on_config(const pb::None &, const pb::None &, const pb::None &, pb::Request request)
{
	pb::Json out = host.describe_config();
	out.set("file", pb::Json::share(pb::at(config.get(), "file")));
	request.json(200, std::move(out));
}

void Native::Face::on_topics(const pb::None &, const pb::None &, const pb::None &, pb::Request request)
{
	pb::Json list = pb::Json::array();
	for (const auto &[name, t] : services.topics.all())
		list.push(
			{{"name", name}, {"seq", t.value ? pb::Json(t.value->seq) : pb::Json(nullptr)}, {"time", t.value ? pb::Json(t.value->time_ms) : pb::Json(nullptr)},
				{"plugin", t.owner().scope.plugin}, {"help", t.owner().help}, {"watchers", t.watchers}});
	request.json(200, {{"topics", std::move(list)}});
}

void Native::Face::on_topic(const ByTopic &path, const pb::None &, const pb::None &, pb::Request request)
{
	const Topic *t = services.topics.find(path.topic);
	if (!t) throw pb::Error(404, "NOT_FOUND", fmt::format("no topic \"{}\"; GET /api/webhook/topics lists them", path.topic));
	if (!t->value) throw pb::Error(404, "NOT_FOUND", fmt::format("topic \"{}\" has no value yet", path.topic));
	const std::string body =
		fmt::format(R"({{"topic":{},"seq":{},"time":{},"value":{}}})", pb::Json(t->name).text(), t->value->seq, t->value->time_ms, t->value->text());
	request.respond(200, "application/json", body);
}

void Native::Face::on_methods(const pb::None &, const pb::None &, const pb::None &, pb::Request request)
{
	pb::Json list = pb::Json::array();
	for (const auto &[name, items] : services.methods.all()) {
		const MethodItem &m = *items.back();
		list.push({{"name", name}, {"help", m.help}, {"plugin", m.scope.plugin}, {"role", role_name(m.role)}, {"parameters", fields::describe(m.params)}});
	}
	request.json(200, {{"methods", std::move(list)}});
}

void Native::Face::on_log(const pb::None &, const LogQuery &query, const pb::None &, pb::Request request)
{
	pb::Json list = pb::Json::array();
	const auto wanted = std::min(static_cast<std::size_t>(query.lines), log.size());
	for (std::size_t i = log.size() - wanted; i < log.size(); ++i) list.push(log[i].copy());
	request.json(200, {{"lines", std::move(list)}});
}

namespace {
/// A request that waits for a method: answered by whichever comes first, the method or the client's leaving.
struct PendingCall {
	pb::Request request;
	Methods &methods;
	pb_call *call = nullptr;
	std::shared_ptr<PendingCall> self{}; // until the answer
	void on_cancel() noexcept
	{
		if (!call) return;
		methods.cancel(std::exchange(call, nullptr));
		request.fail(499, "", "the client has left");
		const auto last = std::move(self);
	}
};
} // namespace

void Native::Face::on_call(const ByMethod &path, const pb::None &, const pb::None &, pb::Request request)
{
	const MethodItem *m = services.methods.find(path.method);
	const pb_caller caller = request.caller();
	const int needed = m ? m->role : int{PB_OPERATOR};
	if (needed != PB_PUBLIC && (caller.role == PB_PUBLIC || caller.role < needed))
		throw pb::Error(403, "FORBIDDEN",
			fmt::format("{} needs the role {}, {} has {}", path.method, role_name(needed), *caller.name ? caller.name : "this client", role_name(caller.role)));
	std::string why;
	pb::Json args = request.body().empty() ? pb::Json::object() : pb::Json::parse(request.body(), &why);
	if (!args) throw pb::Error(400, "INVALID_JSON", why);
	if (!json_is_object(args.get())) throw pb::Error(400, "INVALID_JSON", "the body must be a JSON object of arguments");
	const auto pending = std::make_shared<PendingCall>(PendingCall{std::move(request), services.methods}); // shared: with the method's answer
	pending->self = pending;
	pending->call =
		services.methods.call(path.method, std::move(args), {caller.address, caller.name, caller.role, nullptr}, {}, [pending](Result<Outcome> outcome) {
			pending->call = nullptr;
			const auto last = std::move(pending->self);
			if (!outcome) {
				const Error &e = outcome.error();
				return pending->request.fail(e.status, e.code, e.text, e.details);
			}
			pending->request.respond(200, "application/json", R"({"result":)" + outcome->text() + "}");
		});
	pending->request.on_cancel(bind<&PendingCall::on_cancel>(pending.get()));
}

void Native::Face::figures(Exposition &e) const
{
	const Account &core = services.reactor.core;
	e.family("patchbay_info", "gauge", "the version that runs");
	e.sample(1, {{"version", PATCHBAY_VERSION}});
	e.family("patchbay_callback_seconds_total", "counter", "time that callbacks took, by plugin");
	e.sample(seconds(core.total), {{"plugin", core.name}});
	for (const auto &[name, p] : host.all()) e.sample(seconds(p.account.total), {{"plugin", name}});
	e.family("patchbay_callbacks_total", "counter", "callbacks, by plugin");
	e.sample(static_cast<double>(core.calls), {{"plugin", core.name}});
	for (const auto &[name, p] : host.all()) e.sample(static_cast<double>(p.account.calls), {{"plugin", name}});
	e.family("patchbay_slow_callbacks_total", "counter", "callbacks that held the loop over 20 ms, by plugin");
	e.sample(static_cast<double>(core.slow), {{"plugin", core.name}});
	for (const auto &[name, p] : host.all()) e.sample(static_cast<double>(p.account.slow), {{"plugin", name}});
	e.family("patchbay_longest_callback_seconds", "gauge", "the longest callback so far, by plugin");
	e.sample(seconds(core.longest), {{"plugin", core.name}});
	for (const auto &[name, p] : host.all()) e.sample(seconds(p.account.longest), {{"plugin", name}});
	e.family("patchbay_plugin_running", "gauge", "1 where the plugin runs");
	for (const auto &[name, p] : host.all()) e.sample(p.state == Plugin::State::running ? 1 : 0, {{"plugin", name}});
	e.family("patchbay_topics", "gauge", "topics");
	e.sample(static_cast<double>(services.topics.all().size()));
	e.family("patchbay_published_total", "counter", "values published");
	e.sample(static_cast<double>(services.topics.published));
	e.family("patchbay_method_calls_total", "counter", "method calls");
	e.sample(static_cast<double>(services.methods.called));
	e.family("patchbay_method_failures_total", "counter", "method calls that failed");
	e.sample(static_cast<double>(services.methods.failed));
	e.family("patchbay_state_waiting", "gauge", "operations that wait for the database");
	e.sample(static_cast<double>(services.store.waiting()));
	e.family("patchbay_jobs_waiting", "gauge", "jobs that wait for a worker");
	e.sample(static_cast<double>(services.pool.waiting()));
	e.family("patchbay_log_suppressed_total", "counter", "log lines left out since they repeated");
	e.sample(static_cast<double>(services.log.suppressed));
	e.family("process_resident_memory_bytes", "gauge", "resident memory");
	e.sample(static_cast<double>(resident_bytes()));
	rusage usage{};
	getrusage(RUSAGE_SELF, &usage);
	e.family("process_cpu_seconds_total", "counter", "processor time, user and system");
	e.sample(static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

Native::Native(Services &services, Host &host)
	: own_scope(std::make_unique<HostScope>("core", services.reactor.core, services)), face(std::make_unique<Face>(services, host, *own_scope))
{}

Native::~Native()
{
	face->services.log.on_line = nullptr;
	face->host.on_change = {};
	face.reset();
}

void Native::set_config(const std::string &file, const std::string &error)
{
	face->config = {{"file", file.empty() ? pb::Json(nullptr) : pb::Json(file)}, {"ok", error.empty()}};
	if (!error.empty()) face->config.set("error", error);
	face->on_change();
}

} // namespace core::host
