#include "http/host_check.hpp"

#include "http/authority.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace core::http {

Result<HostCheck> HostCheck::parse(const std::vector<std::string> &hostnames)
{
	HostCheck out;
	for (const std::string &name : hostnames) {
		const auto host = parse_authority(name);
		if (!host || host->port != 0)
			return fail(fmt::format("[http] hostnames: \"{}\" is no host name; write it without scheme and port", pb::utf8(name)), 400);
		out.names.push_back(host->host);
	}
	return out;
}

Result<void> HostCheck::check(std::string_view host, bool is_required, bool is_loopback) const
{
	if (host.empty()) {
		if (is_required) return fail("HTTP/1.1 requests need a Host header", 400);
		return {};
	}
	const auto named = parse_authority(host);
	if (!named) return fail(fmt::format("Host: \"{}\" is neither a name nor an address with an optional port", pb::utf8(host.substr(0, 128))), 400);
	if (!is_loopback || named->is_address || std::ranges::find(names, named->host) != names.end()) return {};
	return fail(fmt::format("Host: {} is not a name of this daemon; use an address, localhost, or add the name to [http] hostnames", named->host), 421);
}

} // namespace core::http
