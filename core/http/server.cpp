#include "http/server.hpp"

#include "http/connection.hpp"
#include "http/engine.hpp"
#include "http/further_listeners.hpp"
#include "http/listener.hpp"
#include "http/table.hpp"

#include <algorithm>

namespace core::http {

using namespace std::chrono_literals;

namespace {
constexpr auto stop_wait = 5s;
}

struct Server::State {
	explicit State(Needs needs) : engine(needs), further(engine, needs.pool), last_moment(needs.reactor, bind<&State::on_last_moment>(this))
	{
		set_border_router(&engine.router);
		set_border_listeners(&further);
	}
	~State()
	{
		set_border_router(nullptr);
		set_border_listeners(nullptr);
	}
	void configure(const config::Core &core);
	void on_last_moment() noexcept;
	void on_empty() noexcept;

	Engine engine;
	std::vector<std::unique_ptr<Listener>> listeners;
	FurtherListeners further;
	Bound<> stopped{};
	bool is_hurried = false;
	Timer last_moment;
};

void Server::State::configure(const config::Core &core)
{
	engine.manners.configure(core);
	engine.max_body = static_cast<std::uint64_t>(core.http.max_body);
	engine.max_connections = static_cast<std::size_t>(core.http.max_connections);
	engine.identity = core.http.identity;
	further.configure(core);
}

/// What has not been answered by now will not be.
void Server::State::on_last_moment() noexcept
{
	while (!engine.connections().empty()) engine.connections().back()->end_now();
}

void Server::State::on_empty() noexcept
{
	last_moment.stop();
	engine.needs.reactor.defer([told = stopped] { told(); });
}

Server::Server(Needs needs) : state(std::make_unique<State>(needs)) {}
Server::~Server() = default;
Router &Server::router() noexcept { return state->engine.router; }
const pb_http *Server::table() const noexcept { return &border_table; }

Result<void> Server::listen(const config::Core &core)
{
	state->configure(core);
	for (const int fd : handed_over_sockets()) {
		auto l = Listener::adopt(state->engine, fd, {});
		if (!l) return tl::unexpected(std::move(l.error()));
		state->listeners.push_back(std::move(*l));
	}
	const bool was_given = !state->listeners.empty(); // systemd listens for us: what it holds is not opened again
	for (const std::string &name : core.http.listen) {
		if (was_given && std::ranges::any_of(state->listeners, [&](const auto &l) { return l->name == name; })) continue;
		auto l = Listener::open(state->engine, name, {});
		if (!l) return tl::unexpected(std::move(l.error()));
		state->listeners.push_back(std::move(*l));
	}
	return {};
}

void Server::reconfigure(const config::Core &core)
{
	state->configure(core);
	const auto &wanted = core.http.listen;
	std::erase_if(state->listeners, [&](const auto &l) { return !l->is_handed_over() && std::ranges::find(wanted, l->name) == wanted.end(); });
	for (const std::string &name : wanted) {
		if (std::ranges::any_of(state->listeners, [&](const auto &l) { return l->name == name; })) continue;
		auto l = Listener::open(state->engine, name, {});
		if (l) state->listeners.push_back(std::move(*l));
		else state->engine.needs.log.error(l.error().text);
	}
}

std::size_t Server::in_flight(const Scope &scope) const
{
	return static_cast<std::size_t>(
		std::ranges::count_if(state->engine.in_flight(), [&](const Request *r) { return r->scope == &scope && !r->is_cancelled(); }));
}

void Server::forget(const Scope &scope)
{
	// Each answer takes one out of the list, and never adds one: nothing is called back from inside.
	const auto &flying = state->engine.in_flight();
	for (std::size_t i = flying.size(); i > 0; --i)
		if (i <= flying.size() && flying[i - 1]->scope == &scope) flying[i - 1]->revoke("plugin " + scope.plugin + " was stopped before it answered");
	for (Connection *c : std::vector(state->engine.connections()))
		if (Stream *s = c->open_stream(); s && s->scope() == &scope) {
			s->forget();
			s->end();
		}
}

void Server::leave() noexcept { state->engine.is_leaving = true; }

void Server::hurry() noexcept
{
	state->is_hurried = true;
	if (state->engine.is_stopping) state->last_moment.once(0ms);
}

void Server::stop(Bound<> done)
{
	State &s = *state;
	s.stopped = done;
	s.engine.is_leaving = s.engine.is_stopping = true;
	s.listeners.clear();
	s.further.stop();
	if (s.engine.connections().empty()) return s.on_empty();
	s.engine.on_empty = bind<&State::on_empty>(&s);
	s.last_moment.once(s.is_hurried ? 0ms : std::chrono::milliseconds(stop_wait));
	const auto alive = std::vector(s.engine.connections());
	for (Connection *c : alive)
		if (std::ranges::find(s.engine.connections(), c) != s.engine.connections().end()) c->wind_down();
}

} // namespace core::http
