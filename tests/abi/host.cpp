#include "host.h"

#include "host/services.hpp"
#include "http/server.hpp"

#include <event2/event.h>

#include <memory>
#include <string>
#include <vector>

namespace {

struct Whole {
	explicit Whole(const std::string &directory)
		: pool(reactor), store(core::state::Store::open(reactor, directory, warning)), topics(reactor, 1000), methods(reactor), files(reactor, pool),
		  http({reactor, log, topics, methods, metrics, pool}), services{reactor, pool, log, metrics, topics, methods, *store, files, http, directory, {}}
	{
		core::host::fill_table(services);
	}
	core::Reactor reactor;
	core::Log log;
	core::Pool pool;
	core::Metrics metrics;
	std::string warning;
	std::unique_ptr<core::state::Store> store;
	core::Topics topics;
	core::Methods methods;
	core::files::Writer files;
	core::http::Server http;
	core::host::Services services;
	struct Guest {
		Guest(std::string name, core::host::Services &s) : account{std::move(name), 0, 0, {}, {}}, scope(account.name, account, s) {}
		core::Account account;
		core::host::HostScope scope;
	};
	std::vector<std::unique_ptr<Guest>> guests;
};

std::unique_ptr<Whole> whole;

} // namespace

const pb_host *abi_begin(const char *directory)
{
	whole = std::make_unique<Whole>(directory);
	return &whole->services.table;
}

pb_scope *abi_scope(const char *name)
{
	whole->guests.push_back(std::make_unique<Whole::Guest>(name, whole->services));
	return &whole->guests.back()->scope;
}

void abi_end_scope(pb_scope *scope)
{
	std::erase_if(whole->guests, [&](const auto &g) { return &g->scope == scope; });
}

void abi_turn(int ms)
{
	const timeval time{ms / 1000, ms % 1000 * 1000};
	event_base_loopexit(whole->reactor.base(), &time);
	event_base_loop(whole->reactor.base(), EVLOOP_NO_EXIT_ON_EMPTY);
}

int abi_wait(const int *counter, int value)
{
	for (int i = 0; i < 800 && *counter < value; ++i) abi_turn(5);
	return *counter;
}

void abi_end()
{
	whole->guests.clear();
	whole.reset();
}
