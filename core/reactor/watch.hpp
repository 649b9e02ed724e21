// What the loop waits for: a time, a descriptor, a signal. Each charges its callback to an account.
#pragma once
#include "reactor/reactor.hpp"

#include <chrono>
#include <memory>

namespace core {

namespace detail {
struct EventFree {
	void operator()(event *e) const noexcept;
};
} // namespace detail

/// Calls once or every so often. Loop thread; does not move; its destructor cancels, no callback comes after.
class Timer final {
public:
	Timer(Reactor &reactor, Account &account, Bound<> on_timer);
	Timer(Reactor &reactor_, Bound<> on_timer_) : Timer(reactor_, reactor_.core, on_timer_) {}
	Timer(const Timer &) = delete;
	Timer &operator=(const Timer &) = delete;
	void once(std::chrono::milliseconds after) noexcept { set(after, std::chrono::milliseconds(0)); }
	void every(std::chrono::milliseconds interval) noexcept { set(interval, interval); }
	void set(std::chrono::milliseconds first, std::chrono::milliseconds interval) noexcept;
	void stop() noexcept;
	[[nodiscard]] bool is_set() const noexcept;

private:
	static void fired(int, short, void *self) noexcept;
	Reactor &reactor;
	Account &account;
	Bound<> on_timer;
	std::chrono::milliseconds again{};
	std::unique_ptr<event, detail::EventFree> handle;
};

/// Calls while a descriptor is readable or writable (PB_READ, PB_WRITE). Does not own it: close it after this has gone.
class FdWatch final {
public:
	FdWatch(Reactor &reactor, Account &account, int fd, Bound<int, std::uint32_t> on_ready);
	FdWatch(Reactor &reactor_, int fd_, Bound<int, std::uint32_t> on_ready_) : FdWatch(reactor_, reactor_.core, fd_, on_ready_) {}
	FdWatch(const FdWatch &) = delete;
	FdWatch &operator=(const FdWatch &) = delete;
	void watch(std::uint32_t what) noexcept; // 0: rest

private:
	static void fired(int, short what, void *self) noexcept;
	Reactor &reactor;
	Account &account;
	int fd;
	std::uint32_t wanted = 0;
	Bound<int, std::uint32_t> on_ready;
	std::unique_ptr<event, detail::EventFree> handle;
};

/// Calls for a signal, on the loop.
class SignalWatch final {
public:
	SignalWatch(Reactor &reactor, int signal, Bound<> on_signal);
	SignalWatch(const SignalWatch &) = delete;
	SignalWatch &operator=(const SignalWatch &) = delete;

private:
	static void fired(int, short, void *self) noexcept;
	Reactor &reactor;
	Bound<> on_signal;
	std::unique_ptr<event, detail::EventFree> handle;
};

} // namespace core
