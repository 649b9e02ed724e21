// nl80211: radios (wiphys) and their interfaces as messages say them, the requests, and the words for people.
#pragma once
#include "netlink.hpp"

namespace netif {

/// An interface of a radio.
struct Radio {
	int index = 0; // the link's; 0: it has none (a P2P device)
	std::uint32_t wiphy = 0;
	std::uint32_t type = 0; // NL80211_IFTYPE_*
	std::string name;
	std::string ssid;                       // right for an access point alone
	std::optional<std::uint32_t> frequency; // MHz
	std::optional<std::int32_t> txpower;    // hundredths of a dBm
	bool is_gone = false;
};
/// NEW_, SET_ and DEL_INTERFACE, answers and notifications alike.
[[nodiscard]] std::optional<Radio> parse_radio(const nlmsghdr *message);

/// What a radio can do. A split dump brings it in pieces.
struct Wiphy {
	std::uint32_t index = 0;
	std::string name;
	std::uint32_t types = 0;                   // a bit for each NL80211_IFTYPE_*
	std::map<std::uint32_t, bool> frequencies; // MHz: is it allowed
	[[nodiscard]] bool can(std::uint32_t type) const noexcept { return type < 32 && (types >> type & 1U) != 0; }
};
/// Puts one piece where it belongs.
void merge_wiphy(const nlmsghdr *message, std::map<std::uint32_t, Wiphy> &into);

/// dBm, of the first station of a GET_STATION dump.
[[nodiscard]] std::optional<int> parse_signal(const nlmsghdr *message);
/// The SSID of a scan entry that the interface is connected to. Raw bytes: strangers choose them.
[[nodiscard]] std::optional<std::string> parse_connected_ssid(const nlmsghdr *message);
/// "DE"; "00": the world.
[[nodiscard]] std::optional<std::string> parse_country(const nlmsghdr *message);

/// index 0: all of them, as a dump.
[[nodiscard]] Message get_radio(int family, int index);
[[nodiscard]] Message get_wiphys(int family);
[[nodiscard]] Message get_stations(int family, int index);
[[nodiscard]] Message get_scan(int family, int index);
[[nodiscard]] Message get_country(int family);
[[nodiscard]] Message set_type(int family, int index, std::uint32_t type);
[[nodiscard]] Message set_frequency(int family, int index, std::uint32_t mhz);

/// "managed", "monitor", "ap", …
[[nodiscard]] std::string mode_name(std::uint32_t type);
[[nodiscard]] std::optional<std::uint32_t> mode_type(std::string_view name);
/// A channel's number; nothing where it has none.
[[nodiscard]] std::optional<int> channel_of(std::uint32_t mhz) noexcept;
/// The frequency of a channel's number (up to 14 in the 2.4 GHz band, else 5 GHz); numbers of 1,000 and more are MHz already.
[[nodiscard]] std::optional<std::uint32_t> frequency_of(std::int64_t channel) noexcept;

} // namespace netif
