// Who crashed the daemon: a signal handler names the plugins on the stack in a file, a watchdog turns a hang into a crash.
#pragma once
#include "log/log.hpp"
#include "reactor/watch.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace core::host {

/// Loop thread, but for the handler and the watchdog. One in a process: signal handlers are the process's.
class Crash final {
public:
	/// Records go to `directory`/crashes. Installs the handlers; the former ones run after ours.
	Crash(Reactor &reactor, const std::string &directory);
	~Crash();
	Crash(const Crash &) = delete;
	Crash &operator=(const Crash &) = delete;

	/// Plugins that were on the stack in each of the last 3 crashes, where those lie within a minute. For the start.
	[[nodiscard]] static std::vector<std::string> suspects(const std::string &directory);
	/// Their story begins anew.
	void forget() noexcept;

	/// Code that belongs to a plugin, while it is mapped.
	void add_code(std::string_view plugin, std::uintptr_t begin, std::uintptr_t end) noexcept;
	void remove_code(std::uintptr_t begin) noexcept;

	/// Ends the daemon where the loop has not turned for 10 s. Call on the loop thread.
	void start_watchdog();

private:
	void watch_loop() noexcept;
	Reactor &reactor;
	std::thread watchdog;
	int stop_fd = -1;
};

} // namespace core::host
