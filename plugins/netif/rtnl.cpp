#include "rtnl.hpp"

#include <netlink/attr.h>

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cstring>

namespace netif {

std::string hex_address(std::string_view bytes)
{
	static constexpr char digits[] = "0123456789abcdef";
	std::string out;
	for (const char c : bytes.substr(0, 32)) {
		const auto b = static_cast<unsigned char>(c);
		if (!out.empty()) out += ':';
		out += digits[b >> 4];
		out += digits[b & 15];
	}
	return out;
}

namespace {
template<typename T> const T *head_of(const nlmsghdr *message) noexcept
{
	auto *m = const_cast<nlmsghdr *>(message);
	return nlmsg_datalen(m) >= static_cast<int>(sizeof(T)) ? static_cast<const T *>(nlmsg_data(m)) : nullptr;
}

std::optional<std::string> hardware_address(const Attributes &a, int type) { return a.at(type) ? std::optional(hex_address(a.bytes(type))) : std::nullopt; }
} // namespace

std::optional<LinkNews> parse_link(const nlmsghdr *message)
{
	if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK) return std::nullopt;
	const auto *head = head_of<ifinfomsg>(message);
	if (!head || head->ifi_family != AF_UNSPEC || head->ifi_index <= 0) return std::nullopt;
	const Attributes a(message, sizeof(ifinfomsg), IFLA_PERM_ADDRESS);
	LinkNews out;
	out.index = head->ifi_index;
	out.is_gone = message->nlmsg_type == RTM_DELLINK;
	out.flags = head->ifi_flags;
	out.arp_type = head->ifi_type;
	out.name = a.text(IFLA_IFNAME);
	out.mac = hardware_address(a, IFLA_ADDRESS);
	out.permanent_mac = hardware_address(a, IFLA_PERM_ADDRESS);
	out.operstate = a.u8(IFLA_OPERSTATE);
	out.mtu = a.u32(IFLA_MTU);
	if (const nlattr *info = a.at(IFLA_LINKINFO)) out.kind = Attributes(info, IFLA_INFO_KIND).text(IFLA_INFO_KIND);
	return out;
}

std::optional<AddressNews> parse_address(const nlmsghdr *message)
{
	if (message->nlmsg_type != RTM_NEWADDR && message->nlmsg_type != RTM_DELADDR) return std::nullopt;
	const auto *head = head_of<ifaddrmsg>(message);
	if (!head || head->ifa_index == 0) return std::nullopt;
	const std::size_t size = head->ifa_family == AF_INET ? 4 : head->ifa_family == AF_INET6 ? 16 : 0;
	const Attributes a(message, sizeof(ifaddrmsg), IFA_MAX);
	// Of a point-to-point link IFA_ADDRESS is the peer's; ours is IFA_LOCAL.
	const std::string_view bytes = a.at(IFA_LOCAL) ? a.bytes(IFA_LOCAL) : a.bytes(IFA_ADDRESS);
	if (size == 0 || bytes.size() < size) return std::nullopt;
	char text[INET6_ADDRSTRLEN] = "";
	if (!inet_ntop(head->ifa_family, bytes.data(), text, sizeof text)) return std::nullopt;
	return AddressNews{static_cast<int>(head->ifa_index), message->nlmsg_type == RTM_DELADDR, {text, head->ifa_prefixlen, head->ifa_scope}};
}

std::optional<int> parse_route(const nlmsghdr *message)
{
	const auto *head = head_of<rtmsg>(message);
	if (message->nlmsg_type != RTM_NEWROUTE || !head || head->rtm_type != RTN_UNICAST || (head->rtm_flags & RTM_F_CLONED) != 0) return std::nullopt;
	if (head->rtm_family != AF_INET && head->rtm_family != AF_INET6) return std::nullopt;
	// The kernel's own come back with the addresses; those of a router advertisement with the next one.
	if (head->rtm_protocol == RTPROT_KERNEL || head->rtm_protocol == RTPROT_RA || head->rtm_protocol == RTPROT_REDIRECT) return std::nullopt;
	const auto by = Attributes(message, sizeof(rtmsg), RTA_OIF).u32(RTA_OIF);
	return by ? std::optional(static_cast<int>(*by)) : std::nullopt;
}

Message get_link(int index)
{
	ifinfomsg head{};
	head.ifi_index = index;
	return make_message(RTM_GETLINK, 0, &head, sizeof head);
}

Message dump_links()
{
	const ifinfomsg head{};
	return make_message(RTM_GETLINK, 0, &head, sizeof head);
}

Message dump_addresses()
{
	const ifaddrmsg head{};
	return make_message(RTM_GETADDR, 0, &head, sizeof head);
}

Message dump_routes()
{
	const rtmsg head{};
	return make_message(RTM_GETROUTE, 0, &head, sizeof head);
}

Message set_link(int index, bool is_up)
{
	ifinfomsg head{};
	head.ifi_index = index;
	head.ifi_change = IFF_UP;
	if (is_up) head.ifi_flags = IFF_UP;
	return make_message(RTM_NEWLINK, 0, &head, sizeof head);
}

std::optional<Message> make_again(std::string_view bytes)
{
	alignas(nlmsghdr) char copy[4096];
	if (bytes.size() < sizeof(nlmsghdr) || bytes.size() > sizeof copy) return std::nullopt;
	std::memcpy(copy, bytes.data(), bytes.size());
	const auto *m = reinterpret_cast<const nlmsghdr *>(copy);
	if (!nlmsg_ok(m, static_cast<int>(bytes.size()))) return std::nullopt;
	const bool is_address = m->nlmsg_type == RTM_NEWADDR && head_of<ifaddrmsg>(m);
	const bool is_route = m->nlmsg_type == RTM_NEWROUTE && head_of<rtmsg>(m);
	if (!is_address && !is_route) return std::nullopt;
	const std::size_t head = is_address ? sizeof(ifaddrmsg) : sizeof(rtmsg);
	auto *whole = const_cast<nlmsghdr *>(m);
	// Dead and link-down are answers, not wishes: the kernel refuses them in a request.
	if (is_route) static_cast<rtmsg *>(nlmsg_data(whole))->rtm_flags &= RTNH_F_ONLINK;
	Message out = make_message(m->nlmsg_type, NLM_F_CREATE | NLM_F_EXCL, nlmsg_data(whole), head);
	nlattr *a = nullptr;
	int rest = 0;
	nlmsg_for_each_attr(a, whole, static_cast<int>(head), rest)
	{
		if (is_route && (nla_type(a) == RTA_CACHEINFO || nla_type(a) == RTA_EXPIRES)) continue;
		if (nla_put(out.get(), nla_type(a), nla_len(a), nla_data(a)) < 0) return std::nullopt;
	}
	return out;
}

} // namespace netif
