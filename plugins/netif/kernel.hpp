// What netif asks of the kernel, in words of its own. All of it blocks: for a worker, one at a time.
#pragma once
#include "links.hpp"

#include <linux/netlink.h>

#include <cerrno>

namespace netif {

/// What a switch of modes goes through. Behind an interface, so that a test can be the kernel.
class Kernel {
public:
	virtual ~Kernel() = default;
	virtual Answer read_link(int index, LinkNews &out) = 0;
	virtual Answer read_radio(int index, Radio &out) = 0;
	/// The other interfaces of a radio.
	virtual Answer read_siblings(std::uint32_t wiphy, int index, std::vector<Radio> &out) = 0;
	virtual Answer set_up(int index, bool is_up) = 0;
	virtual Answer set_type(int index, std::uint32_t type) = 0;
	virtual Answer set_frequency(int index, std::uint32_t mhz) = 0;
	/// Addresses and routes that the round trip would lose, as messages for put_back().
	virtual std::vector<std::string> keep(int index) = 0;
	virtual Answer put_back(std::string_view message) = 0;
};

/// Everything about all links, of one moment or nearly.
struct Snapshot {
	Answer answer;
	std::vector<LinkNews> links;
	std::vector<AddressNews> addresses;
};
struct RadioSnapshot {
	Answer answer;
	std::map<std::uint32_t, Wiphy> wiphys;
	std::vector<Radio> radios;
	std::string country;
};

/// The real one, over its own two sockets.
class NetlinkKernel final : public Kernel {
public:
	Answer read_link(int index, LinkNews &out) override;
	Answer read_radio(int index, Radio &out) override;
	Answer read_siblings(std::uint32_t wiphy, int index, std::vector<Radio> &out) override;
	Answer set_up(int index, bool is_up) override;
	Answer set_type(int index, std::uint32_t type) override;
	Answer set_frequency(int index, std::uint32_t mhz) override;
	std::vector<std::string> keep(int index) override;
	Answer put_back(std::string_view message) override;

	Snapshot read_links();
	/// nl80211's number and groups; nothing where the kernel has no cfg80211 (yet).
	std::optional<Family> find_wireless();
	RadioSnapshot read_radios();
	/// What people see of a radio: SSID and signal.
	Air read_air(const Radio &radio);

private:
	[[nodiscard]] Answer no_wireless() const { return {-EOPNOTSUPP, "the kernel has no nl80211", false}; }
	Channel route{NETLINK_ROUTE};
	Channel generic{NETLINK_GENERIC};
	int family = 0;
};

} // namespace netif
