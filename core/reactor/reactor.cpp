#include "reactor/reactor.hpp"

#include <event2/event.h>
#include <event2/thread.h>

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace core {

namespace {
constexpr std::int64_t slow_ns = 20'000'000; // design.md: no callback holds the loop over 20 ms
constexpr std::size_t tasks_a_turn = 256;    // so that tasks which beget tasks starve nobody

std::int64_t now_ns() noexcept { return std::chrono::steady_clock::now().time_since_epoch().count(); }
} // namespace

void Reactor::FreeBase::operator()(event_base *b) const noexcept { event_base_free(b); }
void Reactor::FreeEvent::operator()(event *e) const noexcept { event_free(e); }

Reactor::Reactor()
{
	// No lock: one thread uses the base; others write to the eventfd. The changelist saves an epoll_ctl per request.
	event_config *config = event_config_new();
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	loop.reset(event_base_new_with_config(config));
	event_config_free(config);
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!loop || wake_fd < 0) throw std::runtime_error(std::string("event loop: ") + std::strerror(errno));
	deferred_ready.reset(event_new(
		loop.get(), -1, 0, [](int, short, void *self) { static_cast<Reactor *>(self)->drain_deferred(); }, this));
	injected_ready.reset(event_new(
		loop.get(), wake_fd, EV_READ | EV_PERSIST, [](int, short, void *self) { static_cast<Reactor *>(self)->drain_injected(); }, this));
	event_add(injected_ready.get(), nullptr);
}

Reactor::~Reactor()
{
	while (!deferred.empty()) { // a task may defer another
		auto task = std::move(deferred.front());
		deferred.pop_front();
	}
	injected_ready.reset();
	deferred_ready.reset();
	loop.reset();
	close(wake_fd);
}

void Reactor::run() { event_base_loop(loop.get(), EVLOOP_NO_EXIT_ON_EMPTY); }
void Reactor::stop() { event_base_loopbreak(loop.get()); }

void Reactor::defer(Task task)
{
	if (deferred.empty()) event_active(deferred_ready.get(), EV_TIMEOUT, 0);
	deferred.push_back(std::move(task));
}

void Reactor::drain_deferred() noexcept
{
	const Charge charge(*this, core);
	for (std::size_t n = std::min(deferred.size(), tasks_a_turn); n > 0; --n) {
		Task task = std::move(deferred.front());
		deferred.pop_front();
		task();
	}
	if (!deferred.empty()) event_active(deferred_ready.get(), EV_TIMEOUT, 0);
}

void Reactor::inject(Task task)
{
	bool is_first = false;
	{
		const std::lock_guard lock(guard);
		is_first = injected.empty();
		injected.push_back(std::move(task));
	}
	if (is_first) {
		const std::uint64_t one = 1;
		(void)!write(wake_fd, &one, sizeof one); // EAGAIN: it is readable already
	}
}

void Reactor::drain_injected() noexcept
{
	const Charge charge(*this, core);
	std::uint64_t n = 0;
	(void)!read(wake_fd, &n, sizeof n);
	std::vector<Task> tasks;
	{
		const std::lock_guard lock(guard);
		tasks.swap(injected);
	}
	for (Task &task : tasks) task();
}

thread_local Charge *Charge::top = nullptr;

Charge::Charge(Reactor &reactor_, Account &account_) noexcept : reactor(reactor_), account(account_), outer(reactor_.current()), began(now_ns()), parent(top)
{
	top = this;
	reactor.charged.store(&account, std::memory_order_relaxed);
}

Charge::~Charge()
{
	const std::int64_t whole = now_ns() - began;
	const std::chrono::nanoseconds own(whole - inner);
	++account.calls;
	account.total += own;
	if (own > account.longest) account.longest = own;
	top = parent;
	reactor.charged.store(outer, std::memory_order_relaxed);
	if (parent) parent->inner += whole;
	if (own.count() > slow_ns) {
		++account.slow;
		reactor.on_slow(account, own);
	}
}

} // namespace core
