// locks: named mutexes with a line, leases and fencing tokens, and lock files that other programs respect.
#include "clients.hpp"
#include "clock.hpp"
#include "desk.hpp"
#include "file_locks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

using namespace std::chrono_literals;

namespace {

/// [plugins.locks] in patchbay.toml.
struct Settings {
	std::vector<std::string> file_roots;
	std::chrono::milliseconds stale_after;
	std::string file_content;
	std::size_t max_names, max_waiters;
	static constexpr auto fields = pb::fields(
		pb::field("file_roots", &Settings::file_roots, {.fallback = "[]", .max = 64, .help = "folders beneath which locks.file may make lock files"}),
		pb::field("stale_after", &Settings::stale_after,
			{.fallback = "30s", .min = 1s, .max = 24h, .help = "a lock file older than this whose holder is gone is taken over"}),
		pb::field("file_content", &Settings::file_content,
			{.fallback = "\"time\"",
				.choices = "time|pid",
				.help = "what our lock files say: the time in ms, as JavaScript programs write it, or our PID, as lockfile-create --use-pid does"}),
		pb::field("max_names", &Settings::max_names, {.fallback = "4096", .min = 1, .max = 65'536, .help = "locks that may be held at once"}),
		pb::field("max_waiters", &Settings::max_waiters, {.fallback = "16384", .min = 1, .max = 65'536, .help = "how many may stand in line, over all locks"}));
};

locks::Limits limits_of(const Settings &s) { return {s.max_names, s.max_waiters}; }
locks::FileSettings files_of(const Settings &s) { return {s.file_roots, s.stale_after, s.file_content == "pid" ? locks::Content::pid : locks::Content::time}; }

struct NamePath {
	std::string name;
	static constexpr auto fields = pb::fields(pb::field("name", &NamePath::name, {.min = 1, .max = 128, .help = "letters, digits and . _ - : @"}));
};
struct AcquireQuery {
	std::optional<bool> verbose;
	static constexpr auto fields = pb::fields(pb::field("verbose", &AcquireQuery::verbose, {.help = "say what it waits for, a JSON line at a time"}));
};
struct RenewBody {
	std::int64_t token;
	std::optional<std::int64_t> ttl_ms;
	static constexpr auto fields = pb::fields(pb::field("token", &RenewBody::token, {.help = "the token that acquire gave"}),
		pb::field("ttl_ms", &RenewBody::ttl_ms, {.min = 100, .max = 86'400'000, .help = "how long from now; left out: as long as it was asked for"}));
};
struct ReleaseBody {
	std::int64_t token;
	static constexpr auto fields = pb::fields(pb::field("token", &ReleaseBody::token, {.help = "the token that acquire gave"}));
};
// As methods: the name among the arguments.
struct AcquireArgs {
	std::string name, owner;
	std::int64_t timeout_ms, ttl_ms;
	static constexpr auto fields = pb::fields(pb::field("name", &AcquireArgs::name, {.min = 1, .max = 128, .help = "letters, digits and . _ - : @"}),
		pb::field("owner", &AcquireArgs::owner, {.min = 1, .max = 128, .help = "who asks, for people to read"}),
		pb::field("timeout_ms", &AcquireArgs::timeout_ms, {.fallback = "30000", .min = 0, .max = 86'400'000, .help = "how long to stand in line"}),
		pb::field("ttl_ms", &AcquireArgs::ttl_ms, {.min = 100, .max = 86'400'000, .help = "the lease: the lock ends by itself after it, unless renewed"}));
};
struct RenewArgs {
	std::string name;
	std::int64_t token;
	std::optional<std::int64_t> ttl_ms;
	static constexpr auto fields =
		pb::fields(pb::field("name", &RenewArgs::name, {.min = 1, .max = 128}), pb::field("token", &RenewArgs::token, {.help = "the token that acquire gave"}),
			pb::field("ttl_ms", &RenewArgs::ttl_ms, {.min = 100, .max = 86'400'000, .help = "how long from now; left out: as long as it was asked for"}));
};
struct ReleaseArgs {
	std::string name;
	std::int64_t token;
	static constexpr auto fields = pb::fields(
		pb::field("name", &ReleaseArgs::name, {.min = 1, .max = 128}), pb::field("token", &ReleaseArgs::token, {.help = "the token that acquire gave"}));
};

pb::Error invalid(const char *field, const std::string &message)
{
	pb::Json details = pb::Json::array();
	details.push({{"field", field}, {"message", message}});
	return {400, "VALIDATION_ERROR", fmt::format("Invalid request parameters: {} {}", field, message), std::move(details)};
}

void check_name(const std::string &name)
{
	const auto is_good = [](char c) {
		return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::strchr("._-:@", c) != nullptr;
	};
	if (name.find('\0') != std::string::npos || !std::all_of(name.begin(), name.end(), is_good))
		throw invalid("name", "may hold letters, digits and . _ - : @ alone");
}

class Locks final {
public:
	using Settings = ::Settings;
	Locks(pb::Scope &scope, const Settings &settings)
		: desk(scope, limits_of(settings)), files(scope, desk, files_of(settings)),
		  list_route(
			  scope, "GET locks", pb::bind<&Locks::on_list>(this), {.help = "all locks that are held, and who waits for them", .flags = PB_ROUTE_NO_STORE}),
		  acquire_route(scope, "POST locks/{name}/acquire", pb::bind<&Locks::on_acquire>(this),
			  {.help = "take a lock; the request stays open while it waits", .deadline = 25h}),
		  renew_route(scope, "POST locks/{name}/renew", pb::bind<&Locks::on_renew>(this), {.help = "let a lease run anew"}),
		  release_route(scope, "POST locks/{name}/release", pb::bind<&Locks::on_release>(this), {.help = "give a lock back"}),
		  list_method(
			  scope, "locks.list", pb::bind<&Locks::on_call_list>(this), {.help = "all locks that are held, and who waits for them", .role = PB_VIEWER}),
		  acquire_method(scope, "locks.acquire", pb::bind<&Locks::on_call_acquire>(this), {.help = "take a lock for a time", .deadline = 25h}),
		  renew_method(scope, "locks.renew", pb::bind<&Locks::on_call_renew>(this), {.help = "let a lease run anew"}),
		  release_method(scope, "locks.release", pb::bind<&Locks::on_call_release>(this), {.help = "give a lock back"})
	{
		desk.load([this](std::vector<locks::Store::FileRecord> records) { files.restore(std::move(records)); });
	}
	void configure(const Settings &settings)
	{
		desk.set_limits(limits_of(settings));
		files.configure(files_of(settings));
	}
	void drain(bool /*is_shutdown*/, pb::Bound<> done) noexcept
	{
		desk.close();
		done();
	}

private:
	void on_list(const pb::None &, const pb::None &, const pb::None &, pb::Request request) { request.json(200, desk.list()); }
	void on_acquire(const NamePath &path, const AcquireQuery &query, const locks::AcquireBody &body, pb::Request &&request)
	{
		check_name(path.name);
		if (body.ttl_ms && body.hold) throw invalid("hold", "stands instead of ttl_ms, not beside it");
		if (!body.ttl_ms && !body.hold) throw invalid("ttl_ms", "or hold is needed: no lock is held without an end");
		const char *accept = request.header("Accept");
		const bool is_talking = query.verbose.value_or(accept && std::strstr(accept, "application/x-ndjson"));
		desk.ask(http_client(desk, std::move(request), body.hold.has_value(), is_talking), {path.name, body.owner, body.timeout_ms, body.ttl_ms.value_or(0)});
	}
	void on_renew(const NamePath &path, const pb::None &, const RenewBody &body, pb::Request &&request)
	{
		renew(path.name, body.token, body.ttl_ms, std::make_shared<pb::Request>(std::move(request)));
	}
	void on_release(const NamePath &path, const pb::None &, const ReleaseBody &body, pb::Request &&request)
	{
		release(path.name, body.token, std::make_shared<pb::Request>(std::move(request)));
	}
	void on_call_list(const pb::None &, pb::Reply reply) { reply(desk.list()); }
	void on_call_acquire(const AcquireArgs &args, pb::Reply &&reply)
	{
		check_name(args.name);
		desk.ask(call_client(desk, std::move(reply)), {args.name, args.owner, args.timeout_ms, args.ttl_ms});
	}
	void on_call_renew(const RenewArgs &args, pb::Reply &&reply) { renew(args.name, args.token, args.ttl_ms, std::make_shared<pb::Reply>(std::move(reply))); }
	void on_call_release(const ReleaseArgs &args, pb::Reply &&reply) { release(args.name, args.token, std::make_shared<pb::Reply>(std::move(reply))); }

	// `to` is a request or a call; shared, since std::function wants what can be copied.
	static void answer(pb::Request &to, pb::Json value) { to.json(200, std::move(value)); }
	static void answer(pb::Reply &to, pb::Json value) { to(std::move(value)); }
	template<typename To> void renew(const std::string &name, std::int64_t token, std::optional<std::int64_t> ttl_ms, std::shared_ptr<To> to)
	{
		check_name(name);
		desk.renew(name, static_cast<locks::Token>(token), ttl_ms.value_or(0), [name, to](const std::variant<locks::Holder, pb::Error> &got) {
			if (const auto *e = std::get_if<pb::Error>(&got)) locks::fail_with(*to, *e);
			else answer(*to, locks::granted_json(name, std::get<locks::Holder>(got)));
		});
	}
	template<typename To> void release(const std::string &name, std::int64_t token, std::shared_ptr<To> to)
	{
		check_name(name);
		desk.release(name, static_cast<locks::Token>(token), [name, to](const std::optional<pb::Error> &failed) {
			if (failed) locks::fail_with(*to, *failed);
			else answer(*to, {{"name", name}, {"released", true}});
		});
	}

	locks::Desk desk;
	locks::FileLocks files;
	pb::Handler<> list_route;
	pb::Handler<NamePath, AcquireQuery, locks::AcquireBody> acquire_route;
	pb::Handler<NamePath, pb::None, RenewBody> renew_route;
	pb::Handler<NamePath, pb::None, ReleaseBody> release_route;
	pb::Method<pb::None> list_method;
	pb::Method<AcquireArgs> acquire_method;
	pb::Method<RenewArgs> renew_method;
	pb::Method<ReleaseArgs> release_method;
};

} // namespace

PATCHBAY_PLUGIN_WITH(Locks, "locks", "1.0.0", "", PB_EXCLUSIVE)
