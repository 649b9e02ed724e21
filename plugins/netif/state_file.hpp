// The file that older tools read to learn who has an interface: {"owner","mode","timestamp"}. Blocks: for a worker.
#pragma once
#include <cstdint>
#include <string>

namespace netif {

/// "/tmp/{interface}.state" with the name put in; "" stays "".
[[nodiscard]] std::string state_path(const std::string &pattern, const std::string &name);

struct Claim {
	enum { taken, foreign, failed } is = failed;
	std::string owner; // who has it, where another program says so; "" where it does not say who
	std::string why;
};

/// Creates it for `owner`, so that of two that try one wins. A file that another left is respected; one of the same owner,
/// one without an owner, and one with our own timestamp `previous_ms` is replaced.
[[nodiscard]] Claim claim_state_file(
	const std::string &path, const std::string &owner, const std::string &mode, std::int64_t timestamp_ms, std::int64_t previous_ms);
/// Only where it is still ours.
void remove_state_file(const std::string &path, const std::string &owner, std::int64_t timestamp_ms);

} // namespace netif
