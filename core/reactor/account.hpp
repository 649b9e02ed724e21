// Whose time it is: every callback runs under a Charge to an Account, one for each plugin and one for the core.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace core {

/// Time that callbacks took. Loop thread; `current` is read by the watchdog as well.
struct Account {
	std::string name;
	std::uint64_t calls = 0;
	std::uint64_t slow = 0; // callbacks that held the loop over 20 ms
	std::chrono::nanoseconds total{};
	std::chrono::nanoseconds longest{};
};

} // namespace core
