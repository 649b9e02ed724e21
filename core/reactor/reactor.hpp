// The loop: one thread, one event_base. Above it are Timer, FdWatch and SignalWatch; libevent is met here and at the border alone.
#pragma once
#include "account.hpp"
#include "bind.hpp"

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

struct event;
struct event_base;

namespace core {

/// Runs callbacks, charges their time, carries tasks over from other threads. Loop thread, but for inject().
class Reactor final {
public:
	using Task = std::function<void()>; // must not throw

	Reactor();
	~Reactor();
	Reactor(const Reactor &) = delete;
	Reactor &operator=(const Reactor &) = delete;

	[[nodiscard]] event_base *base() const noexcept { return loop.get(); }
	/// Until stop().
	void run();
	void stop();

	/// After the present callback, in order.
	void defer(Task task);
	/// Freed after the present callback: for what a caller further up the stack may still use.
	template<typename T> void retire(std::unique_ptr<T> gone)
	{
		defer([p = std::shared_ptr<T>(std::move(gone))] {}); // shared: std::function copies
	}
	/// Any thread: runs on the loop, in order.
	void inject(Task task);

	/// The core's own account.
	Account core{"core", 0, 0, {}, {}};
	/// The account being charged now; never null. Atomic for the watchdog.
	[[nodiscard]] Account *current() const noexcept { return charged.load(std::memory_order_relaxed); }
	/// Called where a callback held the loop over 20 ms.
	Bound<Account &, std::chrono::nanoseconds> on_slow{};

private:
	friend class Charge;
	struct FreeBase {
		void operator()(event_base *b) const noexcept;
	};
	struct FreeEvent {
		void operator()(event *e) const noexcept;
	};
	void drain_deferred() noexcept;
	void drain_injected() noexcept;

	std::unique_ptr<event_base, FreeBase> loop;
	std::unique_ptr<event, FreeEvent> deferred_ready, injected_ready;
	std::deque<Task> deferred;
	std::mutex guard; // of injected
	std::vector<Task> injected;
	int wake_fd = -1;
	std::atomic<Account *> charged{&core};
};

/// Charges the time until it goes to an account; nested ones are taken out of the outer's. Every callback runs under one.
class Charge final {
public:
	Charge(Reactor &reactor, Account &account) noexcept;
	~Charge();
	Charge(const Charge &) = delete;
	Charge &operator=(const Charge &) = delete;

private:
	Reactor &reactor;
	Account &account;
	Account *outer;
	std::int64_t began;
	std::int64_t inner = 0; // taken by nested charges
	Charge *parent;
	static thread_local Charge *top; // only to find the parent
};

} // namespace core
