#include "links.hpp"

#include <linux/nl80211.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <utility>

namespace netif {

// ---- sysfs

namespace {
std::string read_line(const std::string &path)
{
	std::array<char, 128> text{};
	const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) return {};
	const ssize_t n = ::read(fd, text.data(), text.size());
	::close(fd);
	const std::string_view all(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
	return std::string(all.substr(0, all.find('\n')));
}

std::string last_part_of_link(const std::string &path)
{
	std::array<char, 512> text{};
	const ssize_t n = ::readlink(path.c_str(), text.data(), text.size());
	const std::string_view all(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
	const std::size_t slash = all.rfind('/');
	return std::string(slash == std::string_view::npos ? all : all.substr(slash + 1));
}

/// Any block of any of the radio's switches counts.
void read_rfkill(const std::string &phy, Hardware &out)
{
	DIR *folder = ::opendir(phy.c_str());
	if (!folder) return;
	while (const dirent *entry = ::readdir(folder)) {
		const std::string_view name = entry->d_name;
		if (!name.starts_with("rfkill") || name.size() == 6) continue;
		const std::string at = phy + "/" + std::string(name);
		out.is_soft_blocked = out.is_soft_blocked.value_or(false) || read_line(at + "/soft") == "1";
		out.is_hard_blocked = out.is_hard_blocked.value_or(false) || read_line(at + "/hard") == "1";
	}
	::closedir(folder);
}
} // namespace

Hardware read_hardware(const std::string &name, const std::string &sysfs)
{
	Hardware out;
	if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..") return out;
	const std::string at = sysfs + "/class/net/" + name;
	out.driver = last_part_of_link(at + "/device/driver");
	const std::string number = read_line(at + "/phy80211/index");
	std::uint32_t wiphy = 0;
	if (std::from_chars(number.data(), number.data() + number.size(), wiphy).ec != std::errc()) return out;
	out.wiphy = wiphy;
	out.phy = read_line(at + "/phy80211/name");
	out.phy_mac = read_line(at + "/phy80211/macaddress");
	read_rfkill(at + "/phy80211", out);
	return out;
}

// ---- one interface

bool Link::is_up() const noexcept { return (flags & IFF_UP) != 0; }

std::string Link::state() const
{
	enum : std::uint8_t { unknown = 0, dormant = 5, up = 6 }; // RFC 2863, as IFLA_OPERSTATE has it
	if (!is_up()) return "down";
	if (operstate == unknown || operstate == up) return "up";
	return operstate == dormant ? "dormant" : "down";
}

std::string Link::kind() const
{
	if (radio || hardware.wiphy) return "wireless";
	if ((flags & IFF_LOOPBACK) != 0) return "loopback";
	if (!link_kind.empty()) return link_kind;
	return arp_type == ARPHRD_ETHER ? "ethernet" : "";
}

const std::string &Link::identity() const noexcept
{
	if (!hardware.phy_mac.empty()) return hardware.phy_mac;
	return permanent_mac.empty() ? mac : permanent_mac;
}

namespace {
pb::Json or_null(const std::string &text) { return text.empty() ? pb::Json(nullptr) : pb::Json(text); }

pb::Json modes_of(const Wiphy *wiphy)
{
	pb::Json out = pb::Json::array();
	for (std::uint32_t type = 1; wiphy && type < 32; ++type) {
		if (wiphy->can(type)) out.push(mode_name(type));
	}
	return out;
}

void describe_radio(const Link &link, const Wiphy *wiphy, pb::Json &out)
{
	const Radio *r = link.radio ? &*link.radio : nullptr;
	const std::uint32_t mhz = r ? r->frequency.value_or(0) : 0;
	out.set("phy", wiphy ? or_null(wiphy->name) : or_null(link.hardware.phy));
	out.set("modes", modes_of(wiphy));
	out.set("mode", r ? pb::Json(mode_name(r->type)) : pb::Json(nullptr));
	out.set("channel", channel_of(mhz));
	out.set("frequency", mhz != 0 ? pb::Json(mhz) : pb::Json(nullptr));
	const bool is_ap = r && r->type == NL80211_IFTYPE_AP;
	out.set("ssid", or_null(is_ap ? r->ssid : link.air.ssid));
	out.set("signal", link.air.signal ? pb::Json(*link.air.signal) : pb::Json(nullptr));
	out.set("txpower", r && r->txpower ? pb::Json(*r->txpower / 100.0) : pb::Json(nullptr));
	const Hardware &h = link.hardware;
	out.set("rfkill", h.is_soft_blocked ? pb::Json{{"soft", *h.is_soft_blocked}, {"hard", h.is_hard_blocked.value_or(false)}} : pb::Json(nullptr));
}
} // namespace

pb::Json describe(const Link &link, const Wiphy *wiphy, pb::Json owner)
{
	pb::Json addresses = pb::Json::array(), networks = pb::Json::array();
	for (const Address &a : link.addresses) {
		addresses.push(a.text);
		networks.push(a.text + "/" + std::to_string(a.prefix));
	}
	pb::Json out = pb::Json::object();
	out.set("name", link.name).set("ifindex", link.index).set("kind", or_null(link.kind())).set("state", link.state());
	out.set("enabled", link.is_up()).set("mac", or_null(link.mac)).set("permanent_mac", or_null(link.permanent_mac));
	out.set("mtu", link.mtu).set("addresses", std::move(addresses)).set("networks", std::move(networks));
	out.set("driver", or_null(link.hardware.driver));
	describe_radio(link, wiphy, out);
	out.set("owner", std::move(owner));
	return out;
}

// ---- all of them

Link *Links::find(int index) noexcept
{
	const auto i = by_index.find(index);
	return i == by_index.end() ? nullptr : &i->second;
}

Link *Links::find(std::string_view name) noexcept
{
	for (auto &[index, link] : by_index) {
		if (link.name == name) return &link;
	}
	return nullptr;
}

namespace {
template<typename T, typename U> bool take(T &into, const std::optional<U> &news)
{
	if (!news || into == *news) return false;
	into = *news;
	return true;
}
} // namespace

Links::Change Links::apply(const LinkNews &news)
{
	if (news.is_gone) return by_index.erase(news.index) != 0 ? Change::removed : Change::none;
	auto i = by_index.find(news.index);
	const bool is_new = i == by_index.end();
	if (is_new) {
		if (!news.name) return Change::none; // not a whole description: the next dump brings it
		if (by_index.size() >= most) {
			++omitted;
			return Change::none;
		}
		i = by_index.emplace(news.index, Link{}).first;
		i->second.index = news.index;
	}
	Link &link = i->second;
	const bool is_renamed = take(link.name, news.name);
	bool is_changed = link.flags != news.flags || link.arp_type != news.arp_type;
	link.flags = news.flags;
	link.arp_type = news.arp_type;
	is_changed |= take(link.mac, news.mac);
	is_changed |= take(link.permanent_mac, news.permanent_mac);
	is_changed |= take(link.link_kind, news.kind);
	is_changed |= take(link.operstate, news.operstate);
	is_changed |= take(link.mtu, news.mtu);
	if (is_new) return Change::added;
	return is_renamed ? Change::renamed : is_changed ? Change::changed : Change::none;
}

bool Links::apply(const AddressNews &news)
{
	Link *link = find(news.index);
	if (!link) return false;
	if (news.is_gone) return link->addresses.erase(news.address) != 0;
	return link->addresses.size() < most_addresses && link->addresses.insert(news.address).second;
}

bool Links::apply(const Radio &news)
{
	Link *link = find(news.index);
	if (!link) return false;
	if (news.is_gone) {
		const bool had = link->radio.has_value();
		link->radio.reset();
		return had;
	}
	const bool is_same = link->radio && link->radio->type == news.type && link->radio->frequency == news.frequency && link->radio->wiphy == news.wiphy &&
						 link->radio->ssid == news.ssid && link->radio->txpower == news.txpower;
	link->radio = news;
	return !is_same;
}

std::set<int> Links::replace(const std::vector<LinkNews> &links, const std::vector<AddressNews> &addresses)
{
	std::set<int> changed, seen;
	std::map<int, std::set<Address>> found;
	for (const AddressNews &a : addresses) {
		if (found[a.index].size() < most_addresses) found[a.index].insert(a.address);
	}
	omitted = 0;
	for (const LinkNews &l : links) {
		seen.insert(l.index);
		bool is_changed = apply(l) != Change::none;
		if (Link *link = find(l.index); link && link->addresses != found[l.index]) {
			link->addresses = std::move(found[l.index]);
			is_changed = true;
		}
		if (is_changed) changed.insert(l.index);
	}
	for (auto i = by_index.begin(); i != by_index.end();) {
		if (seen.contains(i->first)) {
			++i;
			continue;
		}
		changed.insert(i->first);
		i = by_index.erase(i);
	}
	return changed;
}

} // namespace netif
