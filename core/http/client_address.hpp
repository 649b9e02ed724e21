// Who the client is: the peer, or whom a trusted proxy names (contract.md section 1).
#pragma once
#include "http/address.hpp"
#include "result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace core::http {

/// [http] trusted_proxies. "unix" stands for whoever connects by a Unix socket.
class TrustedProxies final {
public:
	TrustedProxies() = default;
	/// An error names the entry that is neither an address, nor a network, nor "unix".
	[[nodiscard]] static Result<TrustedProxies> parse(const std::vector<std::string> &entries);

	/// peer: nothing for a Unix socket.
	[[nodiscard]] bool trusts(const std::optional<Address> &peer) const noexcept;
	/// The first entry of X-Forwarded-For, else X-Real-IP, where the peer is trusted and they name an address; else the peer.
	/// Header values: empty where there is none.
	[[nodiscard]] std::optional<Address> client(const std::optional<Address> &peer, std::string_view forwarded_for, std::string_view real_ip) const noexcept;

private:
	std::vector<Network> networks;
	bool trusts_unix = false;
};

} // namespace core::http
