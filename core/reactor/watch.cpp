#include "reactor/watch.hpp"

#include <event2/event.h>

namespace core {

void detail::EventFree::operator()(event *e) const noexcept { event_free(e); }

Timer::Timer(Reactor &reactor_, Account &account_, Bound<> on_timer_) : reactor(reactor_), account(account_), on_timer(on_timer_)
{
	handle.reset(event_new(reactor.base(), -1, 0, &Timer::fired, this));
}

void Timer::set(std::chrono::milliseconds first, std::chrono::milliseconds interval) noexcept
{
	again = interval;
	const timeval tv{static_cast<time_t>(first.count() / 1000), static_cast<suseconds_t>(first.count() % 1000 * 1000)};
	event_add(handle.get(), &tv);
}

void Timer::stop() noexcept { event_del(handle.get()); }
bool Timer::is_set() const noexcept { return event_pending(handle.get(), EV_TIMEOUT, nullptr) != 0; }

void Timer::fired(int, short, void *self) noexcept
{
	auto *t = static_cast<Timer *>(self);
	const Charge charge(t->reactor, t->account);
	if (t->again.count() > 0) t->set(t->again, t->again); // first: the callback may stop or destroy it
	t->on_timer();
}

FdWatch::FdWatch(Reactor &reactor_, Account &account_, int fd_, Bound<int, std::uint32_t> on_ready_)
	: reactor(reactor_), account(account_), fd(fd_), on_ready(on_ready_)
{
	handle.reset(event_new(reactor.base(), fd, 0, &FdWatch::fired, this));
}

void FdWatch::watch(std::uint32_t what) noexcept
{
	if (what == wanted) return;
	wanted = what;
	event_del(handle.get());
	if (what == 0) return;
	const auto flags = static_cast<short>(EV_PERSIST | ((what & PB_READ) != 0 ? EV_READ : 0) | ((what & PB_WRITE) != 0 ? EV_WRITE : 0));
	event_assign(handle.get(), reactor.base(), fd, flags, &FdWatch::fired, this);
	event_add(handle.get(), nullptr);
}

void FdWatch::fired(int, short what, void *self) noexcept
{
	auto *f = static_cast<FdWatch *>(self);
	const Charge charge(f->reactor, f->account);
	const std::uint32_t now = ((what & EV_READ) != 0 ? std::uint32_t{PB_READ} : 0U) | ((what & EV_WRITE) != 0 ? std::uint32_t{PB_WRITE} : 0U);
	f->on_ready(f->fd, now);
}

SignalWatch::SignalWatch(Reactor &reactor_, int signal, Bound<> on_signal_) : reactor(reactor_), on_signal(on_signal_)
{
	handle.reset(evsignal_new(reactor.base(), signal, &SignalWatch::fired, this));
	event_add(handle.get(), nullptr);
}

void SignalWatch::fired(int, short, void *self) noexcept
{
	auto *s = static_cast<SignalWatch *>(self);
	const Charge charge(s->reactor, s->reactor.core);
	s->on_signal();
}

} // namespace core
