// The Host header: on loopback it must name us, so that a web page elsewhere cannot reach in by DNS rebinding.
#pragma once
#include "result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace core::http {

/// [http] hostnames, beside addresses and localhost.
class HostCheck final {
public:
	HostCheck() = default;
	[[nodiscard]] static Result<HostCheck> parse(const std::vector<std::string> &hostnames);

	/// 400 for a missing (where is_required: HTTP/1.1) or malformed one, 421 for a name that is not ours where is_loopback:
	/// the connection came in on a loopback address.
	[[nodiscard]] Result<void> check(std::string_view host, bool is_required, bool is_loopback) const;

private:
	std::vector<std::string> names{"localhost"};
};

} // namespace core::http
