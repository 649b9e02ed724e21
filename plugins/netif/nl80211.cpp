#include "nl80211.hpp"

#include <netlink/attr.h>

#include <linux/genetlink.h>
#include <linux/nl80211.h>

#include <array>

namespace netif {

namespace {
constexpr std::array<const char *, 13> mode_names{
	"unspecified", "ad-hoc", "managed", "ap", "ap-vlan", "wds", "monitor", "mesh", "p2p-client", "p2p-go", "p2p-device", "ocb", "nan"};

std::uint8_t command_of(const nlmsghdr *message) noexcept
{
	auto *m = const_cast<nlmsghdr *>(message);
	return nlmsg_datalen(m) >= static_cast<int>(sizeof(genlmsghdr)) ? static_cast<const genlmsghdr *>(nlmsg_data(m))->cmd : std::uint8_t{0};
}

Attributes attributes(const nlmsghdr *message) { return {message, sizeof(genlmsghdr), NL80211_ATTR_MAX}; }

Message about(int family, std::uint8_t command, int index)
{
	Message m = make_generic(family, 0, command);
	if (index != 0) nla_put_u32(m.get(), NL80211_ATTR_IFINDEX, static_cast<std::uint32_t>(index));
	return m;
}

void merge_frequencies(const nlattr *bands, Wiphy &into)
{
	nlattr *band = nullptr;
	int bands_left = 0;
	nla_for_each_nested(band, const_cast<nlattr *>(bands), bands_left)
	{
		const Attributes b(band, NL80211_BAND_ATTR_MAX);
		const nlattr *all = b.at(NL80211_BAND_ATTR_FREQS);
		if (!all) continue;
		nlattr *one = nullptr;
		int left = 0;
		nla_for_each_nested(one, const_cast<nlattr *>(all), left)
		{
			const Attributes f(one, NL80211_FREQUENCY_ATTR_MAX);
			if (const auto mhz = f.u32(NL80211_FREQUENCY_ATTR_FREQ); mhz && into.frequencies.size() < 512) {
				into.frequencies[*mhz] = f.at(NL80211_FREQUENCY_ATTR_DISABLED) == nullptr;
			}
		}
	}
}
} // namespace

std::optional<Radio> parse_radio(const nlmsghdr *message)
{
	const std::uint8_t command = command_of(message);
	if (command != NL80211_CMD_NEW_INTERFACE && command != NL80211_CMD_SET_INTERFACE && command != NL80211_CMD_DEL_INTERFACE) return std::nullopt;
	const Attributes a = attributes(message);
	const auto wiphy = a.u32(NL80211_ATTR_WIPHY);
	if (!wiphy) return std::nullopt;
	Radio out;
	out.index = static_cast<int>(a.u32(NL80211_ATTR_IFINDEX).value_or(0));
	out.wiphy = *wiphy;
	out.type = a.u32(NL80211_ATTR_IFTYPE).value_or(NL80211_IFTYPE_UNSPECIFIED);
	out.name = a.text(NL80211_ATTR_IFNAME).value_or("");
	out.ssid = a.bytes(NL80211_ATTR_SSID).substr(0, 32);
	out.frequency = a.u32(NL80211_ATTR_WIPHY_FREQ);
	if (const auto power = a.u32(NL80211_ATTR_WIPHY_TX_POWER_LEVEL)) out.txpower = static_cast<std::int32_t>(*power);
	out.is_gone = command == NL80211_CMD_DEL_INTERFACE;
	return out;
}

void merge_wiphy(const nlmsghdr *message, std::map<std::uint32_t, Wiphy> &into)
{
	if (command_of(message) != NL80211_CMD_NEW_WIPHY) return;
	const Attributes a = attributes(message);
	const auto number = a.u32(NL80211_ATTR_WIPHY);
	if (!number || (into.size() >= 256 && !into.contains(*number))) return;
	Wiphy &w = into[*number];
	w.index = *number;
	if (auto name = a.text(NL80211_ATTR_WIPHY_NAME)) w.name = *std::move(name);
	if (const nlattr *types = a.at(NL80211_ATTR_SUPPORTED_IFTYPES)) {
		nlattr *one = nullptr;
		int left = 0;
		nla_for_each_nested(one, const_cast<nlattr *>(types), left)
		{
			if (nla_type(one) < 32) w.types |= 1U << nla_type(one);
		}
	}
	if (const nlattr *bands = a.at(NL80211_ATTR_WIPHY_BANDS)) merge_frequencies(bands, w);
}

std::optional<int> parse_signal(const nlmsghdr *message)
{
	const Attributes a = attributes(message);
	const auto dbm = Attributes(a.at(NL80211_ATTR_STA_INFO), NL80211_STA_INFO_MAX).u8(NL80211_STA_INFO_SIGNAL);
	return dbm ? std::optional<int>(static_cast<std::int8_t>(*dbm)) : std::nullopt;
}

std::optional<std::string> parse_connected_ssid(const nlmsghdr *message)
{
	const Attributes a = attributes(message);
	const Attributes bss(a.at(NL80211_ATTR_BSS), NL80211_BSS_MAX);
	if (bss.u32(NL80211_BSS_STATUS) != NL80211_BSS_STATUS_ASSOCIATED) return std::nullopt;
	std::string_view elements = bss.bytes(NL80211_BSS_INFORMATION_ELEMENTS);
	while (elements.size() >= 2) {
		const auto size = static_cast<std::size_t>(static_cast<unsigned char>(elements[1]));
		if (elements.size() < 2 + size) break;
		if (elements[0] == 0) return std::string(elements.substr(2, size));
		elements.remove_prefix(2 + size);
	}
	return std::nullopt;
}

std::optional<std::string> parse_country(const nlmsghdr *message) { return attributes(message).text(NL80211_ATTR_REG_ALPHA2); }

Message get_radio(int family, int index) { return about(family, NL80211_CMD_GET_INTERFACE, index); }
Message get_stations(int family, int index) { return about(family, NL80211_CMD_GET_STATION, index); }
Message get_scan(int family, int index) { return about(family, NL80211_CMD_GET_SCAN, index); }
Message get_country(int family) { return about(family, NL80211_CMD_GET_REG, 0); }

Message get_wiphys(int family)
{
	Message m = about(family, NL80211_CMD_GET_WIPHY, 0);
	nla_put_flag(m.get(), NL80211_ATTR_SPLIT_WIPHY_DUMP); // without it most is left out
	return m;
}

Message set_type(int family, int index, std::uint32_t type)
{
	Message m = about(family, NL80211_CMD_SET_INTERFACE, index);
	nla_put_u32(m.get(), NL80211_ATTR_IFTYPE, type);
	return m;
}

Message set_frequency(int family, int index, std::uint32_t mhz)
{
	Message m = about(family, NL80211_CMD_SET_WIPHY, index);
	nla_put_u32(m.get(), NL80211_ATTR_WIPHY_FREQ, mhz);
	nla_put_u32(m.get(), NL80211_ATTR_CHANNEL_WIDTH, NL80211_CHAN_WIDTH_20_NOHT);
	return m;
}

std::string mode_name(std::uint32_t type) { return type < mode_names.size() ? mode_names[type] : "mode " + std::to_string(type); }

std::optional<std::uint32_t> mode_type(std::string_view name)
{
	for (std::size_t i = 1; i < mode_names.size(); ++i) {
		if (name == mode_names[i]) return static_cast<std::uint32_t>(i);
	}
	return std::nullopt;
}

std::optional<int> channel_of(std::uint32_t mhz) noexcept
{
	const int f = static_cast<int>(mhz);
	if (f == 2484) return 14;
	if (f >= 2412 && f <= 2472 && (f - 2407) % 5 == 0) return (f - 2407) / 5;
	if (f >= 4910 && f <= 4980 && f % 5 == 0) return (f - 4000) / 5;
	if (f >= 5000 && f <= 5895 && f % 5 == 0) return (f - 5000) / 5;
	if (f == 5935) return 2;
	if (f >= 5955 && f <= 7115 && f % 5 == 0) return (f - 5950) / 5;
	return std::nullopt;
}

std::optional<std::uint32_t> frequency_of(std::int64_t channel) noexcept
{
	if (channel >= 1000 && channel <= 7200) return static_cast<std::uint32_t>(channel);
	if (channel == 14) return 2484U;
	if (channel >= 1 && channel <= 13) return static_cast<std::uint32_t>(2407 + 5 * channel);
	if (channel >= 32 && channel <= 179) return static_cast<std::uint32_t>(5000 + 5 * channel);
	return std::nullopt;
}

} // namespace netif
