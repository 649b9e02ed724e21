// The interfaces of this machine, by ifindex (names move and come again, an index does not), as the notifications say.
#pragma once
#include "nl80211.hpp"
#include "rtnl.hpp"

#include <patchbay/json.hpp>

namespace netif {

/// What sysfs alone knows. Read on a worker.
struct Hardware {
	std::string driver, phy, phy_mac;
	std::optional<std::uint32_t> wiphy;
	std::optional<bool> is_soft_blocked, is_hard_blocked;
};
[[nodiscard]] Hardware read_hardware(const std::string &name, const std::string &sysfs = "/sys");

/// What is shown of a radio while somebody looks.
struct Air {
	std::string ssid;
	std::optional<int> signal; // dBm
};

struct Link {
	int index = 0;
	std::string name, mac, permanent_mac, link_kind;
	unsigned flags = 0;
	std::uint16_t arp_type = 0;
	std::uint8_t operstate = 0;
	std::uint32_t mtu = 0;
	std::set<Address> addresses; // bounded
	Hardware hardware;
	std::optional<Radio> radio;
	Air air;

	[[nodiscard]] bool is_up() const noexcept;
	[[nodiscard]] std::string state() const; // "up", "down", "dormant"
	[[nodiscard]] std::string kind() const;  // "wireless", "ethernet", "loopback", or the kernel's word; "" unknown
	/// What stays the same over random MACs: the radio's own address.
	[[nodiscard]] const std::string &identity() const noexcept;
};

/// An interface as `GET interfaces` has it; owner and wiphy may be null.
[[nodiscard]] pb::Json describe(const Link &link, const Wiphy *wiphy, pb::Json owner);

/// Loop thread. Bounded: past `most` interfaces new ones are left out, and counted.
class Links final {
public:
	enum class Change { none, added, changed, renamed, removed };

	Change apply(const LinkNews &news);
	/// False: nothing has changed.
	bool apply(const AddressNews &news);
	bool apply(const Radio &radio);

	/// A whole dump. Gives the indices of all that changed, came or went. Notifications that came while the dump was under way
	/// are applied after it, in order: older ones do no harm, since the newest of them is newer than the dump or equal to it.
	std::set<int> replace(const std::vector<LinkNews> &links, const std::vector<AddressNews> &addresses);

	[[nodiscard]] Link *find(int index) noexcept;
	[[nodiscard]] Link *find(std::string_view name) noexcept;
	[[nodiscard]] const std::map<int, Link> &all() const noexcept { return by_index; }
	[[nodiscard]] std::size_t left_out() const noexcept { return omitted; }

private:
	static constexpr std::size_t most = 4096, most_addresses = 64;
	std::map<int, Link> by_index;
	std::size_t omitted = 0;
};

} // namespace netif
