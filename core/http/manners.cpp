#include "http/manners.hpp"

#include "http/auth.hpp"
#include "http/client_address.hpp"
#include "http/cors.hpp"
#include "http/events.hpp"
#include "http/exposure.hpp"
#include "http/host_check.hpp"
#include "http/metrics_route.hpp"
#include "http/openapi.hpp"
#include "http/rate_limit.hpp"
#include "http/static_files.hpp"
#include "http/table.hpp"
#include "http/tls_identity.hpp"

#include <fmt/format.h>

namespace core::http {

namespace {
bool is_websocket(const Head &head) noexcept { return lists(head.get("Upgrade"), "websocket"); }

Unwelcome too_often(std::string text, std::chrono::seconds wait)
{
	return {{std::move(text), 429, "RATE_LIMIT_EXCEEDED", {}}, fmt::format("Retry-After: {}\r\n", wait.count()), {{"retryAfter", wait.count()}}};
}
} // namespace

struct Manners::State {
	explicit State(const Needs &needs)
		: events({needs.reactor, needs.topics, needs.router, needs.scope, needs.metrics}), files(needs.reactor),
		  openapi(needs.router, needs.methods, needs.scope), metrics(needs.router, needs.metrics, needs.scope)
	{}
	Cors cors;
	HostCheck hosts;
	TrustedProxies proxies;
	std::unique_ptr<Auth> auth;
	RateLimit rate{0};
	bool counts_loopback = false;
	std::uint64_t limited = 0, foreign = 0, misdirected = 0, refused = 0; // metrics

	Events events;
	StaticFiles files;
	OpenApi openapi;
	MetricsRoute metrics;
	TopicItem *topic = nullptr;       // core/http; freed with the scope
	std::string warning;              // the last one logged
	std::vector<std::string> further; // listeners of plugins
	config::Core core{};              // in force
	std::string good_host;            // the last Host that was fine on loopback: the next one is mostly the same

	[[nodiscard]] std::string_view scheme_of(const Request &request, const std::optional<Address> &peer) const;
	[[nodiscard]] std::optional<Unwelcome> check_host(const Request &request);
	[[nodiscard]] std::optional<Unwelcome> check_rate(const Request &request, const std::optional<Address> &client);
	[[nodiscard]] std::optional<Unwelcome> check_origin(const Request &request);
	[[nodiscard]] std::optional<Unwelcome> check_caller(
		Request &request, const std::optional<Address> &peer, const std::optional<Address> &client, std::string_view address, int role);
	[[nodiscard]] Cors::Verdict judge(const Request &request) const;
};

std::string_view Manners::State::scheme_of(const Request &request, const std::optional<Address> &peer) const
{
	const std::string_view forwarded = request.head.get("X-Forwarded-Proto");
	if (!forwarded.empty() && proxies.trusts(peer)) return equals_blind(forwarded, "https") ? "https" : "http";
	return request.peer().is_tls ? "https" : "http";
}

Cors::Verdict Manners::State::judge(const Request &request) const
{
	const std::string_view origin = request.head.get("Origin");
	if (origin.empty()) return Cors::Verdict::none;
	return cors.judge(origin, scheme_of(request, Address::parse(request.peer().address)), request.head.host);
}

std::optional<Unwelcome> Manners::State::check_host(const Request &request)
{
	const std::string_view host = request.head.host;
	const bool is_loopback = request.peer().is_loopback && !request.peer().is_unix;
	if (!host.empty() && host == good_host) return {};
	auto checked = hosts.check(host, !request.head.is_1_0, is_loopback);
	if (!checked) {
		++misdirected;
		return Unwelcome{std::move(checked.error())};
	}
	if (is_loopback) good_host = host;
	return {};
}

std::optional<Unwelcome> Manners::State::check_rate(const Request &request, const std::optional<Address> &client)
{
	if (!client) { // a Unix socket: as near as loopback
		if (!request.peer().is_unix || !counts_loopback) return {};
	} else if (client->is_loopback() && !counts_loopback) {
		return {};
	}
	const auto wait = rate.take(client.value_or(Address()));
	if (wait.count() == 0) return {};
	++limited;
	return too_often(fmt::format("more requests than are allowed a minute; try again in {} s", wait.count()), wait);
}

std::optional<Unwelcome> Manners::State::check_origin(const Request &request)
{
	if (Cors::is_safe(request.head.method_name) && !is_websocket(request.head)) return {};
	if (judge(request) != Cors::Verdict::foreign) return {};
	++foreign;
	const std::string_view origin = request.head.get("Origin").substr(0, 128);
	return Unwelcome{
		{fmt::format("origin {} may not change anything here; add it to [http] cors_origins if it should", pb::utf8(origin)), 403, "ORIGIN_FORBIDDEN", {}}};
}

std::optional<Unwelcome> Manners::State::check_caller(
	Request &request, const std::optional<Address> &peer, const std::optional<Address> &client, std::string_view address, int role)
{
	Auth::Asking asking;
	asking.client = client;
	if (request.peer().is_unix && !proxies.trusts(peer))
		asking.peer = request.peer().uid >= 0 ? static_cast<uid_t>(request.peer().uid) : static_cast<uid_t>(-1);
	if (!auth->is_open() || asking.peer) {
		asking.authorization = request.head.get("Authorization");
		asking.api_key = request.head.get("X-API-Key");
	}
	Caller caller;
	const auto refusal = auth->check(asking, role, caller);
	const bool is_named_peer = asking.peer && !request.peer().user.empty();
	request.set_caller(address, is_named_peer && !caller.is_token ? std::string_view(request.peer().user) : std::string_view(caller.name), caller.role);
	if (!refusal) return {};
	++refused;
	if (refusal.status == 429) return too_often(refusal.text, refusal.retry_after);
	return Unwelcome{{refusal.text, refusal.status, refusal.status == 401 ? "UNAUTHORIZED" : "FORBIDDEN", {}},
		refusal.challenge ? fmt::format("WWW-Authenticate: {}\r\n", refusal.challenge) : std::string()};
}

Manners::Manners(Needs needs_) : needs(needs_), state(std::make_unique<State>(needs))
{
	state->auth = std::move(*Auth::make({false, "token", {}})); // until configured, nobody
	set_border_files(&state->files);
	state->topic =
		needs.topics.add(needs.scope, "core/http", "where it listens, whether tokens are asked for, and what to worry about", PB_DROP_SAME).value_or(nullptr);
	needs.metrics.add([s = state.get()](Exposition &out) {
		out.family("patchbay_http_refused_total", "counter", "requests refused before a route saw them");
		out.sample(static_cast<double>(s->limited), {{"reason", "rate"}});
		out.sample(static_cast<double>(s->foreign), {{"reason", "origin"}});
		out.sample(static_cast<double>(s->misdirected), {{"reason", "host"}});
		out.sample(static_cast<double>(s->refused), {{"reason", "auth"}});
		out.family("patchbay_files_served_total", "counter", "replies from docroot and mounted folders");
		out.sample(static_cast<double>(s->files.served));
		out.family("patchbay_files_bytes_total", "counter", "bytes of files sent");
		out.sample(static_cast<double>(s->files.sent));
	});
}

Manners::~Manners() { set_border_files(nullptr); }

void Manners::configure(const config::Core &core)
{
	// Checked before (settings.hpp); what is wrong all the same leaves the old rule.
	const auto take = [this](auto parsed, auto &into) {
		if (parsed) into = std::move(*parsed);
		else needs.log.error(parsed.error().text);
	};
	take(Cors::parse(core.http.cors_origins), state->cors);
	take(HostCheck::parse(core.http.hostnames), state->hosts);
	take(TrustedProxies::parse(core.http.trusted_proxies), state->proxies);
	take(Auth::make(core.auth), state->auth);
	state->good_host.clear();
	state->core = core;
	tell();
	state->rate.set(core.http.rate_limit);
	state->files.set_docroot(core.http.docroot);
	state->counts_loopback = core.http.rate_limit_loopback;
}

/// Whoever shows the daemon's health repeats the warnings.
void Manners::tell()
{
	const config::Core &core = state->core;
	std::string warning = exposure_warning(core, state->further);
	pb::Json listen = pb::Json::array(), warnings = pb::Json::array(), further = pb::Json::array();
	for (const std::string &l : core.http.listen) listen.push(l);
	for (const std::string &l : state->further) further.push(l);
	if (!warning.empty()) warnings.push(warning);
	if (core.http.identity && core.http.identity->has_expired)
		warnings.push(fmt::format("the certificate in {} has expired: clients will refuse it", core.http.certificate));
	if (state->topic)
		needs.topics.publish(
			*state->topic, {{"listen", std::move(listen)}, {"further", std::move(further)}, {"auth", core.auth.mode}, {"warnings", std::move(warnings)}});
	if (!warning.empty() && warning != state->warning) needs.log.warn(warning);
	state->warning = std::move(warning);
}

void Manners::set_further(std::vector<std::string> addresses)
{
	if (addresses == state->further) return;
	state->further = std::move(addresses);
	tell();
}

std::optional<Unwelcome> Manners::on_head(Request &request, int role)
{
	const Peer &from = request.peer();
	std::optional<Address> peer, client;
	if (!from.is_unix) client = peer = Address::parse(from.address);
	if (const auto &forwarded = request.head.get("X-Forwarded-For"), &real = request.head.get("X-Real-IP"); !forwarded.empty() || !real.empty())
		client = state->proxies.client(peer, forwarded, real);
	const std::string address = client == peer ? from.address : client->text();
	request.set_caller(address, {}, PB_ROLE_DEFAULT);

	if (auto no = state->check_host(request)) return no;
	if (auto no = state->check_rate(request, client)) return no;
	if (request.head.method == Method::options) return {}; // a preflight carries no token
	if (auto no = state->check_origin(request)) return no;
	if (!request.route) role = state->files.role_for(request.path);
	return state->check_caller(request, peer, client, address, role);
}

void Manners::add_lines(const Request &request, std::string &lines) const
{
	state->cors.append(lines, state->judge(request), request.head.get("Origin"), request.head.method == Method::options);
}

bool Manners::serve(Request &request) { return state->files.serve(request); }

} // namespace core::http
