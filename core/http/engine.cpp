#include "http/engine.hpp"

#include "http/connection.hpp"

#include <algorithm>
#include <ctime>

namespace core::http {

namespace {
constexpr std::size_t most_spare = 64;
constexpr std::int64_t least_sweep = 500; // ms
} // namespace

Engine::Engine(Server::Needs needs_)
	: needs(needs_), scope("core", needs_.reactor.core), router(*this),
	  manners({needs_.reactor, needs_.log, needs_.metrics, needs_.topics, needs_.methods, router, scope}), sweep(needs_.reactor, bind<&Engine::on_sweep>(this))
{
	needs.metrics.add([this](Exposition &out) { figures.write(out, alive.size(), flying.size()); });
}

Engine::~Engine()
{
	while (!alive.empty()) alive.back()->end_now();
	scope.clear();
}

Request &Engine::take()
{
	if (spare.empty()) spare.push_back(all.emplace_back(std::make_unique<Request>(*this)).get());
	Request *r = spare.back();
	spare.pop_back();
	r->place = flying.size();
	flying.push_back(r);
	return *r;
}

void Engine::give_back(Request &r)
{
	flying[r.place] = flying.back();
	flying[r.place]->place = r.place;
	flying.pop_back();
	r.clear();
	if (spare.size() < most_spare) {
		spare.push_back(&r);
		return;
	}
	const auto i = std::ranges::find_if(all, [&](const auto &own) { return own.get() == &r; });
	needs.reactor.retire(std::move(*i)); // who calls may still look at it
	all.erase(i);
}

void Engine::add(Connection &c)
{
	c.place = alive.size();
	alive.push_back(&c);
	++figures.accepted;
}

void Engine::remove(Connection &c)
{
	alive[c.place] = alive.back();
	alive[c.place]->place = c.place;
	alive.pop_back();
	if (c.is_queued) std::ranges::replace(ready, &c, nullptr);
	if (on_empty.call && alive.empty()) std::exchange(on_empty, {})();
}

void Engine::later(Connection &c)
{
	if (std::exchange(c.is_queued, true)) return;
	if (ready.empty()) needs.reactor.defer([this] { on_ready(); });
	ready.push_back(&c);
}

void Engine::on_ready()
{
	// By index: what it calls may add more, which then wait for the next turn, or remove one.
	const std::size_t n = ready.size();
	for (std::size_t i = 0; i < n; ++i) {
		Connection *c = std::exchange(ready[i], nullptr);
		if (!c) continue;
		c->is_queued = false;
		c->proceed();
	}
	ready.erase(ready.begin(), ready.begin() + static_cast<std::ptrdiff_t>(n));
	if (!ready.empty()) needs.reactor.defer([this] { on_ready(); });
}

std::int64_t Engine::now() noexcept
{
	timespec t{};
	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return std::int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000;
}

void Engine::due_at(std::int64_t ms)
{
	if (sweep_at != 0 && ms >= sweep_at) return;
	sweep_at = ms;
	sweep.once(std::chrono::milliseconds(std::max(ms - now(), least_sweep)));
}

void Engine::on_sweep() noexcept
{
	sweep_at = 0;
	const std::int64_t at = now() + 20; // the clock is coarse
	std::int64_t next = 0;
	// Backwards: what goes is replaced by one that was looked at.
	for (std::size_t i = alive.size(); i > 0; --i) {
		if (i > alive.size()) continue;
		alive[i - 1]->check_due(at);
	}
	for (const Connection *c : alive)
		if (c->due_time() != 0 && (next == 0 || c->due_time() < next)) next = c->due_time();
	if (next != 0) due_at(next);
}

std::string_view Engine::tail_of(const Request &r, bool must_end)
{
	last_lines.assign(date.now());
	manners.add_lines(r, last_lines);
	if (must_end) last_lines += "Connection: close\r\n";
	else if (r.head.is_1_0) last_lines += "Connection: keep-alive\r\n";
	last_lines += "\r\n";
	return last_lines;
}

} // namespace core::http
