// The kernel's errors in words for people: what was tried, on what, why it failed, what to do.
#pragma once
#include "netlink.hpp"

#include <string>

namespace netif {

struct Fault {
	int status = 0; // an HTTP status; 0: none
	std::string code, text;
	[[nodiscard]] bool is_none() const noexcept { return status == 0; }
};

enum class Step { read, down, type, up, frequency };

/// What the words need to know beside the error.
struct Circumstances {
	std::string name;      // of the interface
	std::string mode;      // that was asked for
	std::uint32_t mhz = 0; // that was asked for
	std::string country;   // "00" or "": unknown
	std::string sibling;   // another interface of the radio that is in use, "" none
	bool is_hard_blocked = false;
};
[[nodiscard]] Fault explain(Step step, const Answer &answer, const Circumstances &about);
[[nodiscard]] Fault radio_is_off(const std::string &name, bool by_switch);
[[nodiscard]] Fault unplugged(const std::string &name);

} // namespace netif
