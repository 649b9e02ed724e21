// What the kernel really said, read back: recorded rtnetlink and nl80211 messages, and messages made here.
#include "netif/files.hpp"
#include "netif/links.hpp"

#include <CppUTest/TestHarness.h>

#include <linux/genetlink.h>
#include <linux/nl80211.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>

using namespace netif;

namespace {
template<typename F> void each(const char *name, F f)
{
	const auto bytes = read_file(std::string(NETIF_DATA) + "/" + name, 1U << 20);
	CHECK_TEXT(bytes.has_value(), name);
	std::vector<char> copy(bytes->begin(), bytes->end());
	int left = static_cast<int>(copy.size());
	for (auto *m = reinterpret_cast<nlmsghdr *>(copy.data()); nlmsg_ok(m, left); m = nlmsg_next(m, &left)) {
		if (m->nlmsg_type != NLMSG_DONE && m->nlmsg_type != NLMSG_ERROR) f(m);
	}
}

LinkNews link_news(int index, const char *name, unsigned flags = IFF_UP)
{
	LinkNews out;
	out.index = index;
	out.name = name;
	out.flags = flags;
	return out;
}
} // namespace

TEST_GROUP(netif_messages){};

TEST(netif_messages, links_of_a_dump)
{
	Links links;
	each("links.bin", [&](const nlmsghdr *m) { links.apply(*parse_link(m)); });
	LONGS_EQUAL(4, links.all().size());
	const Link *radio = links.find("wlan0");
	CHECK(radio != nullptr);
	STRCMP_EQUAL("02:00:00:00:00:00", radio->mac.c_str());
	STRCMP_EQUAL("down", radio->state().c_str());
	LONGS_EQUAL(1500, radio->mtu);
	STRCMP_EQUAL("loopback", links.find("lo")->kind().c_str());
	STRCMP_EQUAL("up", links.find("lo")->state().c_str());
}

TEST(netif_messages, addresses_of_a_dump)
{
	std::vector<AddressNews> all;
	each("addresses.bin", [&](const nlmsghdr *m) { all.push_back(*parse_address(m)); });
	LONGS_EQUAL(2, all.size());
	STRCMP_EQUAL("127.0.0.1", all[0].address.text.c_str());
	LONGS_EQUAL(8, all[0].address.prefix);
	STRCMP_EQUAL("::1", all[1].address.text.c_str());
}

TEST(netif_messages, the_family_has_its_number_and_groups)
{
	std::optional<Family> family;
	each("family.bin", [&](const nlmsghdr *m) { family = parse_family(m); });
	CHECK(family.has_value());
	LONGS_EQUAL(32, family->id);
	CHECK(family->groups.contains(NL80211_MULTICAST_GROUP_CONFIG));
	CHECK(family->groups.contains(NL80211_MULTICAST_GROUP_MLME));
}

TEST(netif_messages, radios_of_a_dump)
{
	std::vector<Radio> radios;
	each("interfaces.bin", [&](const nlmsghdr *m) { radios.push_back(*parse_radio(m)); });
	LONGS_EQUAL(2, radios.size());
	for (const Radio &r : radios) {
		STRCMP_EQUAL("managed", mode_name(r.type).c_str());
		CHECK(r.index > 0);
	}
	CHECK(radios[0].wiphy != radios[1].wiphy);
}

TEST(netif_messages, a_split_dump_is_put_together)
{
	std::map<std::uint32_t, Wiphy> all;
	int pieces = 0;
	each("wiphys.bin", [&](const nlmsghdr *m) {
		merge_wiphy(m, all);
		++pieces;
	});
	LONGS_EQUAL(2, all.size());
	CHECK(pieces > 20);
	const Wiphy &w = all.begin()->second;
	STRCMP_EQUAL("phy0", w.name.c_str());
	CHECK(w.can(NL80211_IFTYPE_MONITOR) && w.can(NL80211_IFTYPE_STATION) && w.can(NL80211_IFTYPE_MESH_POINT));
	CHECK(!w.can(NL80211_IFTYPE_WDS));
	CHECK(w.frequencies.contains(2412) && w.frequencies.contains(5180));
	CHECK(w.frequencies.at(2412));
}

TEST(netif_messages, the_country)
{
	std::string country;
	each("country.bin", [&](const nlmsghdr *m) { country = parse_country(m).value_or(country); });
	STRCMP_EQUAL("00", country.c_str());
}

TEST(netif_messages, cut_short_anywhere_they_do_no_harm)
{
	for (const char *name : {"links.bin", "interfaces.bin", "wiphys.bin", "family.bin"}) {
		each(name, [&](const nlmsghdr *m) {
			std::vector<char> copy(reinterpret_cast<const char *>(m), reinterpret_cast<const char *>(m) + m->nlmsg_len);
			for (std::uint32_t size = sizeof(nlmsghdr); size < m->nlmsg_len; size += 4) {
				const std::vector<char> cut(copy.begin(), copy.begin() + static_cast<std::ptrdiff_t>(size)); // its own end, for the sanitizer
				auto *head = const_cast<nlmsghdr *>(reinterpret_cast<const nlmsghdr *>(cut.data()));
				head->nlmsg_len = size;
				(void)parse_link(head);
				(void)parse_address(head);
				(void)parse_radio(head);
				(void)parse_family(head);
				(void)parse_signal(head);
				(void)parse_connected_ssid(head);
				std::map<std::uint32_t, Wiphy> into;
				merge_wiphy(head, into);
			}
		});
	}
}

TEST(netif_messages, a_port_that_leaves_its_bridge_is_not_gone)
{
	ifinfomsg head{};
	head.ifi_family = AF_BRIDGE;
	head.ifi_index = 3;
	const Message m = make_message(RTM_DELLINK, 0, &head, sizeof head);
	CHECK(!parse_link(nlmsg_hdr(m.get())));
	head.ifi_family = AF_UNSPEC;
	const Message real = make_message(RTM_DELLINK, 0, &head, sizeof head);
	CHECK(parse_link(nlmsg_hdr(real.get()))->is_gone);
}

TEST(netif_messages, what_a_message_does_not_say_stays)
{
	Links links;
	LinkNews whole = link_news(5, "wlan2");
	whole.operstate = 6;
	whole.mac = "02:00:00:00:00:01";
	CHECK(links.apply(whole) == Links::Change::added);
	LinkNews poor;
	poor.index = 5;
	poor.flags = IFF_UP;
	CHECK(links.apply(poor) == Links::Change::none);
	LONGS_EQUAL(6, links.find(5)->operstate);
	STRCMP_EQUAL("02:00:00:00:00:01", links.find(5)->mac.c_str());
}

TEST(netif_messages, renamed_and_reused_indices)
{
	Links links;
	links.apply(link_news(5, "wlan2"));
	CHECK(links.apply(link_news(5, "mon0")) == Links::Change::renamed);
	CHECK(links.find("wlan2") == nullptr);
	LinkNews gone = link_news(5, "mon0");
	gone.is_gone = true;
	CHECK(links.apply(gone) == Links::Change::removed);
	CHECK(links.apply(gone) == Links::Change::none);
	CHECK(links.apply(link_news(5, "other")) == Links::Change::added);
	CHECK(links.find(5)->addresses.empty());
}

TEST(netif_messages, a_dump_replaces_what_is_known_and_says_what_changed)
{
	Links links;
	links.apply(link_news(1, "lo"));
	links.apply(link_news(2, "gone"));
	links.apply(AddressNews{1, false, {"127.0.0.1", 8, 0}});
	const auto changed =
		links.replace({link_news(1, "lo"), link_news(3, "new")}, {AddressNews{1, false, {"127.0.0.1", 8, 0}}, AddressNews{3, false, {"10.0.0.1", 24, 0}}});
	CHECK((changed == std::set<int>{2, 3}));
	LONGS_EQUAL(1, links.find(3)->addresses.size());
}

TEST(netif_messages, the_table_is_bounded)
{
	Links links;
	for (int i = 1; i <= 5000; ++i) links.apply(link_news(i, ("v" + std::to_string(i)).c_str()));
	LONGS_EQUAL(4096, links.all().size());
	LONGS_EQUAL(904, links.left_out());
	for (int i = 0; i < 1000; ++i) links.apply(AddressNews{1, false, {"10.0.0." + std::to_string(i), 24, 0}});
	LONGS_EQUAL(64, links.find(1)->addresses.size());
}

TEST(netif_messages, an_ssid_is_the_connected_entrys_and_strange_bytes_stay)
{
	const auto entry = [](std::uint32_t status, std::string_view elements) {
		Message m = make_generic(32, 0, NL80211_CMD_NEW_SCAN_RESULTS);
		nlattr *bss = nla_nest_start(m.get(), NL80211_ATTR_BSS);
		nla_put_u32(m.get(), NL80211_BSS_STATUS, status);
		nla_put(m.get(), NL80211_BSS_INFORMATION_ELEMENTS, static_cast<int>(elements.size()), elements.data());
		nla_nest_end(m.get(), bss);
		return m;
	};
	using namespace std::string_view_literals;
	const auto ssid = [&](const Message &m) { return parse_connected_ssid(nlmsg_hdr(m.get())).value_or("none"); };
	STRCMP_EQUAL("abc", ssid(entry(NL80211_BSS_STATUS_ASSOCIATED, "\x01\x01x\x00\x03"
																  "abc"sv))
							.c_str());
	STRCMP_EQUAL("none", ssid(entry(NL80211_BSS_STATUS_AUTHENTICATED, "\x00\x03"
																	  "abc"sv))
							 .c_str());
	STRCMP_EQUAL("none", ssid(entry(NL80211_BSS_STATUS_ASSOCIATED, "\x00\x20"
																   "abc"sv))
							 .c_str()); // its length lies
	STRCMP_EQUAL("\xff<b>", ssid(entry(NL80211_BSS_STATUS_ASSOCIATED, "\x00\x04\xff<b>"sv)).c_str());
}

TEST(netif_messages, what_is_shown_is_json_whatever_strangers_send)
{
	Link link;
	link.index = 4;
	link.name = "wlan2";
	link.radio.emplace();
	link.radio->type = NL80211_IFTYPE_AP;
	link.radio->ssid = std::string("\xff\0\"</script>", 12);
	link.radio->frequency = 2437;
	const pb::Json shown = describe(link, nullptr, nullptr);
	CHECK(json_is_object(pb::Json::parse(shown.text()).get()));
	STRCMP_EQUAL("ap", std::string(pb::text_at(shown.get(), "mode")).c_str());
	LONGS_EQUAL(6, pb::integer_at(shown.get(), "channel"));
	CHECK(json_is_null(pb::at(shown.get(), "signal")));
}

TEST(netif_messages, channels_and_frequencies)
{
	for (const std::int64_t channel : {1, 6, 13, 14, 36, 64, 100, 149, 165, 177}) LONGS_EQUAL(channel, *channel_of(*frequency_of(channel)));
	LONGS_EQUAL(5955, *frequency_of(5955));
	LONGS_EQUAL(1, *channel_of(5955));
	CHECK(!frequency_of(0) && !frequency_of(20) && !frequency_of(900) && !frequency_of(-1));
	CHECK(!channel_of(0) && !channel_of(2413));
}

TEST(netif_messages, an_address_is_made_again_and_nothing_else_is)
{
	std::string one;
	each("addresses.bin", [&](const nlmsghdr *m) { one = std::string(reinterpret_cast<const char *>(m), m->nlmsg_len); });
	const auto again = make_again(one);
	CHECK(again.has_value());
	LONGS_EQUAL(RTM_NEWADDR, nlmsg_hdr(again->get())->nlmsg_type);
	CHECK((nlmsg_hdr(again->get())->nlmsg_flags & NLM_F_CREATE) != 0);
	CHECK(!make_again("").has_value());
	CHECK(!make_again(std::string(5000, 'x')).has_value());
	one[4] = RTM_DELLINK; // a record that was tampered with deletes nothing
	CHECK(!make_again(one).has_value());
}
