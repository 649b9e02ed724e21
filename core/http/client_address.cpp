#include "http/client_address.hpp"

#include "http/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace core::http {

namespace {
/// Proxies also write "192.0.2.1:4711", "[2001:db8::1]:4711" and quotes around it.
std::optional<Address> named(std::string_view entry) noexcept
{
	entry = trimmed(entry);
	if (entry.size() > 1 && entry.front() == '"' && entry.back() == '"') entry = entry.substr(1, entry.size() - 2);
	if (const auto a = Address::parse(entry)) return a;
	const std::size_t colon = entry.rfind(':');
	if (colon == std::string_view::npos) return {};
	const std::string_view port = entry.substr(colon + 1), host = entry.substr(0, colon);
	const bool is_port = !port.empty() && port.size() <= 5 && std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
	const bool is_alone = host.find(':') == std::string_view::npos || host.starts_with('[');
	return is_port && is_alone ? Address::parse(host) : std::nullopt;
}
} // namespace

Result<TrustedProxies> TrustedProxies::parse(const std::vector<std::string> &entries)
{
	TrustedProxies out;
	for (const std::string &entry : entries) {
		if (entry == "unix") {
			out.trusts_unix = true;
		} else if (const auto network = Network::parse(entry)) {
			out.networks.push_back(*network);
		} else {
			return fail(fmt::format("[http] trusted_proxies: \"{}\" is neither an address, nor a network (10.0.0.0/8), nor \"unix\"", pb::utf8(entry)), 400);
		}
	}
	return out;
}

bool TrustedProxies::trusts(const std::optional<Address> &peer) const noexcept
{
	if (!peer) return trusts_unix;
	return std::ranges::any_of(networks, [&peer](const Network &n) { return n.contains(*peer); });
}

std::optional<Address> TrustedProxies::client(const std::optional<Address> &peer, std::string_view forwarded_for, std::string_view real_ip) const noexcept
{
	if ((forwarded_for.empty() && real_ip.empty()) || !trusts(peer)) return peer;
	if (const auto first = named(forwarded_for.substr(0, forwarded_for.find(',')))) return first;
	if (const auto real = named(real_ip)) return real;
	return peer;
}

} // namespace core::http
