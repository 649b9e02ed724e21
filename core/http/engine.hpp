// What the parts of the server share: its settings, what lives, and what it counts.
#pragma once
#include "http/figures.hpp"
#include "http/manners.hpp"
#include "http/reply.hpp"
#include "http/router.hpp"
#include "http/server.hpp"
#include "http/stream.hpp"
#include "http/tls_identity.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace core::http {

class Connection;

/// Owns what is spare, borrows what lives. Loop thread.
class Engine final {
public:
	explicit Engine(Server::Needs needs_);
	~Engine();
	Engine(const Engine &) = delete;
	Engine &operator=(const Engine &) = delete;

	Server::Needs needs;
	Scope scope; // of the core's own routes
	Figures figures;
	Router router;
	Manners manners; // adds routes
	DateLine date;
	std::string first_lines; // a reply's head is put together here, one at a time

	Limits limits;
	std::uint64_t max_body = 1 << 20;
	std::size_t max_connections = 1024;
	std::shared_ptr<const TlsIdentity> identity; // shared with the configuration and with connections; null: no TLS
	static constexpr std::chrono::milliseconds head_wait{10'000}, body_wait{10'000}, idle_wait{60'000}, write_wait{60'000}, linger_wait{2'000};

	// Requests in flight: taken when a head is whole, given back when it has been answered.
	[[nodiscard]] Request &take();
	void give_back(Request &request);
	[[nodiscard]] const std::vector<Request *> &in_flight() const noexcept { return flying; }

	// Connections.
	void add(Connection &connection);
	void remove(Connection &connection);
	[[nodiscard]] const std::vector<Connection *> &connections() const noexcept { return alive; }
	/// It goes on after the present callback: nothing is called back from inside the call that answers.
	void later(Connection &connection);
	/// It must be looked at at that time (now() counts), or before.
	void due_at(std::int64_t ms);
	/// Steady, in ms, coarse.
	[[nodiscard]] static std::int64_t now() noexcept;
	/// What ends the head of a reply to `r`: date, CORS, Connection, the empty line.
	[[nodiscard]] std::string_view tail_of(const Request &r, bool must_end);

	bool is_leaving = false;  // the daemon stops: no connection is kept beyond its present request
	bool is_stopping = false; // no request after the present one on any connection
	Bound<> on_empty{};       // told once, when the last connection has gone

private:
	void on_ready();
	void on_sweep() noexcept;
	std::string last_lines;
	std::vector<std::unique_ptr<Request>> all;
	std::vector<Request *> spare, flying;
	std::vector<Connection *> alive, ready; // ready: null where it has gone meanwhile
	std::int64_t sweep_at = 0;              // 0: nothing to look at
	Timer sweep;
};

} // namespace core::http
