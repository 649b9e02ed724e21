// What the host table's functions reach: the core's parts, by reference.
#pragma once
#include "bus/methods.hpp"
#include "bus/topics.hpp"
#include "files/writer.hpp"
#include "host/scope.hpp"
#include "log/log.hpp"
#include "metrics/metrics.hpp"
#include "reactor/pool.hpp"
#include "state/store.hpp"

#include <memory>
#include <string>

namespace core::http {
class Server;
}

namespace core::host {

struct Services {
	Reactor &reactor;
	Pool &pool;
	Log &log;
	Metrics &metrics;
	Topics &topics;
	Methods &methods;
	state::Store &store;
	files::Writer &files;
	http::Server &http;
	std::string state_dir; // absolute, no slash at the end
	pb_host table{};       // what plugins are handed: fill_table()
};

/// A scope with what the host table needs of it. Ends with end(): after that no callback reaches its plugin.
struct HostScope final : pb_scope {
	HostScope(std::string plugin_, Account &account_, Services &services_) : pb_scope(std::move(plugin_), account_), services(services_) {}
	~HostScope() override { end(); }
	/// Frees all that is registered, and lets go of calls, requests and operations under way.
	void end() noexcept;

	Services &services;
	std::size_t jobs = 0; // of work(), until done has been called
	Bound<> on_idle{};    // told when the last job is done
	/// What is under way outside holds a weak reference, and finds nothing once the scope has ended.
	std::shared_ptr<HostScope *> alive = std::make_shared<HostScope *>(this);
};

/// Completes services.table.
void fill_table(Services &services);

} // namespace core::host
