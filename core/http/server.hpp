// The HTTP server: listeners, connections, requests in flight, routes. The face that the rest of the daemon sees.
#pragma once
#include "bus/methods.hpp"
#include "bus/topics.hpp"
#include "config/config.hpp"
#include "http/router.hpp"
#include "log/log.hpp"
#include "metrics/metrics.hpp"
#include "reactor/pool.hpp"

#include <memory>

namespace core::http {

/// Loop thread. All plugins' scopes end before it.
class Server final {
public:
	struct Needs {
		Reactor &reactor;
		Log &log;
		Topics &topics;
		Methods &methods;
		Metrics &metrics;
		Pool &pool;
	};

	explicit Server(Needs needs);
	~Server();
	Server(const Server &) = delete;
	Server &operator=(const Server &) = delete;

	/// Opens what the settings name and takes sockets handed over by systemd. At the start: may block. An address that is taken
	/// is an Error with the code ADDRESS_TAKEN, whose text names the holder where the kernel tells.
	Result<void> listen(const config::Core &core);
	/// New settings while running: listeners come and go, open connections stay. What cannot be opened is logged.
	void reconfigure(const config::Core &core);
	[[nodiscard]] Router &router() noexcept;
	/// The border's functions. A pb_scope is a core::Scope.
	[[nodiscard]] const pb_http *table() const noexcept;

	/// Requests that a scope's routes have not answered yet.
	[[nodiscard]] std::size_t in_flight(const Scope &scope) const;
	/// The scope ends: its requests get 503, its streams end; its code is not called any more.
	void forget(const Scope &scope);
	/// The daemon stops, its plugins first: replies say that their connection ends, and what is served no more is a 503.
	void leave() noexcept;
	/// Nobody is waited for any more. After stop(), or together with it.
	void hurry() noexcept;
	/// No new connections; streams are told, requests in flight get up to 5 s. Then `done`, once, later.
	void stop(Bound<> done);

	struct State;

private:
	std::unique_ptr<State> state;
};

} // namespace core::http
