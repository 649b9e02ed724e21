#include "kernel.hpp"

#include <linux/netlink.h>
#include <linux/nl80211.h>
#include <linux/rtnetlink.h>

#include <chrono>

namespace netif {

using namespace std::chrono_literals;

// Chosen, not measured: real firmware takes longer than virtual radios.
namespace {
constexpr milliseconds read_deadline = 1s, dump_deadline = 5s, down_deadline = 5s, up_deadline = 10s, type_deadline = 5s, frequency_deadline = 2s;
constexpr std::size_t most_kept = 64;
constexpr std::size_t most_stations = 64;
} // namespace

Answer NetlinkKernel::read_link(int index, LinkNews &out)
{
	return route.ask(get_link(index), read_deadline, [&](const nlmsghdr *m) {
		if (auto news = parse_link(m)) out = *std::move(news);
	});
}

Answer NetlinkKernel::read_radio(int index, Radio &out)
{
	if (family == 0 && !find_wireless()) return no_wireless();
	return generic.ask(get_radio(family, index), read_deadline, [&](const nlmsghdr *m) {
		if (auto radio = parse_radio(m)) out = *std::move(radio);
	});
}

Answer NetlinkKernel::read_siblings(std::uint32_t wiphy, int index, std::vector<Radio> &out)
{
	if (family == 0 && !find_wireless()) return no_wireless();
	return generic.dump([&] { return get_radio(family, 0); }, read_deadline, [&] { out.clear(); },
		[&](const nlmsghdr *m) {
			auto radio = parse_radio(m);
			if (radio && radio->wiphy == wiphy && radio->index != index && out.size() < 64) out.push_back(*std::move(radio));
		});
}

Answer NetlinkKernel::set_up(int index, bool is_up) { return route.ask(set_link(index, is_up), is_up ? up_deadline : down_deadline); }

Answer NetlinkKernel::set_type(int index, std::uint32_t type)
{
	if (family == 0 && !find_wireless()) return no_wireless();
	return generic.ask(netif::set_type(family, index, type), type_deadline);
}

Answer NetlinkKernel::set_frequency(int index, std::uint32_t mhz)
{
	if (family == 0 && !find_wireless()) return no_wireless();
	return generic.ask(netif::set_frequency(family, index, mhz), frequency_deadline);
}

std::vector<std::string> NetlinkKernel::keep(int index)
{
	std::vector<std::string> addresses, routes;
	const auto copy = [](const nlmsghdr *m) { return std::string(reinterpret_cast<const char *>(m), m->nlmsg_len); };
	route.dump(
		dump_addresses, dump_deadline, [&] { addresses.clear(); },
		[&](const nlmsghdr *m) {
			const auto news = parse_address(m);
			// Link-local addresses come with the link.
			if (news && news->index == index && news->address.scope != RT_SCOPE_LINK && addresses.size() < most_kept) addresses.push_back(copy(m));
		});
	route.dump(
		dump_routes, dump_deadline, [&] { routes.clear(); },
		[&](const nlmsghdr *m) {
			if (parse_route(m) == index && routes.size() < most_kept) routes.push_back(copy(m));
		});
	addresses.insert(addresses.end(), routes.begin(), routes.end());
	return addresses;
}

Answer NetlinkKernel::put_back(std::string_view message)
{
	auto again = make_again(message);
	if (!again) return {-EBADMSG, "not an address or a route", false};
	Answer out = route.ask(*std::move(again), read_deadline);
	if (out.error == -EEXIST) out.error = 0;
	return out;
}

Snapshot NetlinkKernel::read_links()
{
	Snapshot out;
	out.answer = route.dump(
		dump_links, dump_deadline, [&] { out.links.clear(); },
		[&](const nlmsghdr *m) {
			if (auto news = parse_link(m)) out.links.push_back(*std::move(news));
		});
	if (!out.answer.ok()) return out;
	out.answer = route.dump(
		dump_addresses, dump_deadline, [&] { out.addresses.clear(); },
		[&](const nlmsghdr *m) {
			if (auto news = parse_address(m)) out.addresses.push_back(*std::move(news));
		});
	return out;
}

std::optional<Family> NetlinkKernel::find_wireless()
{
	std::optional<Family> out;
	generic.ask(family_request(NL80211_GENL_NAME), read_deadline, [&](const nlmsghdr *m) { out = parse_family(m); });
	family = out ? out->id : 0;
	return out;
}

RadioSnapshot NetlinkKernel::read_radios()
{
	RadioSnapshot out;
	if (family == 0 && !find_wireless()) return out;
	out.answer =
		generic.dump([&] { return get_wiphys(family); }, dump_deadline, [&] { out.wiphys.clear(); }, [&](const nlmsghdr *m) { merge_wiphy(m, out.wiphys); });
	if (!out.answer.ok()) return out;
	out.answer = generic.dump([&] { return get_radio(family, 0); }, dump_deadline, [&] { out.radios.clear(); },
		[&](const nlmsghdr *m) {
			if (auto radio = parse_radio(m)) out.radios.push_back(*std::move(radio));
		});
	generic.ask(get_country(family), read_deadline, [&](const nlmsghdr *m) {
		if (out.country.empty()) out.country = parse_country(m).value_or("");
	});
	return out;
}

Air NetlinkKernel::read_air(const Radio &radio)
{
	Air out;
	if (family == 0 || radio.index == 0 || radio.type == NL80211_IFTYPE_MONITOR) return out;
	std::size_t stations = 0;
	generic.dump([&] { return get_stations(family, radio.index); }, read_deadline, [&] { stations = 0; },
		[&](const nlmsghdr *m) {
			// One for a station; of an access point's or a mesh's neighbours the strongest is shown.
			if (const auto dbm = parse_signal(m); dbm && ++stations <= most_stations) out.signal = std::max(out.signal.value_or(*dbm), *dbm);
		});
	// The interface's own SSID is wrong both ways for a station: the kernel's scan list knows what it is connected to.
	if (radio.type == NL80211_IFTYPE_STATION) {
		generic.dump([&] { return get_scan(family, radio.index); }, read_deadline, [] {},
			[&](const nlmsghdr *m) {
				if (auto ssid = parse_connected_ssid(m)) out.ssid = *std::move(ssid);
			});
	}
	return out;
}

} // namespace netif
