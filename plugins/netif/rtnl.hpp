// rtnetlink: links, addresses and routes as messages say them. Parsing keeps "not said" apart from "empty": a message that
// lacks an attribute changes nothing about it.
#pragma once
#include "netlink.hpp"

#include <set>

namespace netif {

/// What a NEWLINK or DELLINK says.
struct LinkNews {
	int index = 0;
	bool is_gone = false;
	unsigned flags = 0;
	std::uint16_t arp_type = 0;
	std::optional<std::string> name, mac, permanent_mac, kind;
	std::optional<std::uint8_t> operstate;
	std::optional<std::uint32_t> mtu;
};
/// Nothing for other messages, and for those of a bridge about its port: there a DELLINK does not end the link.
[[nodiscard]] std::optional<LinkNews> parse_link(const nlmsghdr *message);

struct Address {
	std::string text; // without the prefix length
	int prefix = 0;
	unsigned scope = 0; // RT_SCOPE_*
	auto operator<=>(const Address &) const = default;
};
struct AddressNews {
	int index = 0;
	bool is_gone = false;
	Address address;
};
[[nodiscard]] std::optional<AddressNews> parse_address(const nlmsghdr *message);

/// The interface that a route leaves by, where it is one of the main table that a person or a DHCP client has set; else nothing.
[[nodiscard]] std::optional<int> parse_route(const nlmsghdr *message);

[[nodiscard]] Message get_link(int index);
[[nodiscard]] Message dump_links();
[[nodiscard]] Message dump_addresses();
[[nodiscard]] Message dump_routes();
/// Up or down.
[[nodiscard]] Message set_link(int index, bool is_up);
/// A NEWADDR or NEWROUTE that was read, as the request that makes it again. Nothing where the bytes are not that.
[[nodiscard]] std::optional<Message> make_again(std::string_view message);

/// "02:00:00:00:00:00" of any number of bytes.
[[nodiscard]] std::string hex_address(std::string_view bytes);

} // namespace netif
