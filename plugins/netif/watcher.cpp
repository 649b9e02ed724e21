#include "watcher.hpp"

#include <fmt/format.h>

#include <linux/genetlink.h>
#include <linux/nl80211.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <cstring>

namespace netif {

using namespace std::chrono_literals;

namespace {
constexpr auto air_interval = 2s;
constexpr int most_reloads_at_once = 3;
} // namespace

Watcher::Watcher(pb::Scope &scope_, Worker &worker_, NetlinkKernel &kernel_, Links &links_, News &news_)
	: scope(scope_), worker(worker_), kernel(kernel_), links(links_), news(news_),
	  route(NETLINK_ROUTE, {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR}), reload_later(scope_, pb::bind<&Watcher::reload>(this)),
	  radios_later(scope_, pb::bind<&Watcher::reload_radios>(this)), closer_later(scope_, pb::bind<&Watcher::look_closer_soon>(this)),
	  route_fd(scope_, route.descriptor(), pb::bind<&Watcher::on_route_readable>(this))
{
	if (route.error() != 0) throw std::runtime_error(fmt::format("netlink: cannot listen for interfaces: {}", std::strerror(-route.error())));
	reload();
	find_wireless();
}

// ---- links

void Watcher::on_route_readable(int, uint32_t) noexcept
{
	const bool is_overrun = route.read([this](const nlmsghdr *m) { on_message(m); });
	if (!is_overrun) return;
	++overrun_count;
	reload();
}

void Watcher::on_message(const nlmsghdr *message)
{
	std::optional<Queued> what;
	if (auto link = parse_link(message)) what = *std::move(link);
	else if (auto address = parse_address(message)) what = *std::move(address);
	if (!what) return;
	if (!is_reloading) return apply(*what);
	if (queued.size() < most_queued) queued.push_back(*std::move(what));
	else must_reload = true;
}

void Watcher::apply(const Queued &what)
{
	if (const auto *address = std::get_if<AddressNews>(&what)) {
		if (links.apply(*address)) news.on_link_changed(address->index);
		return;
	}
	const auto &link = std::get<LinkNews>(what);
	switch (links.apply(link)) {
	case Links::Change::none: return;
	case Links::Change::removed: return news.on_link_gone(link.index);
	case Links::Change::added:
		look_closer(link.index);
		if (!wireless) find_wireless(); // the first radio may have brought cfg80211
		break;
	case Links::Change::changed:
	case Links::Change::renamed:
		// A blocked radio is told by this alone.
		if (const Link *l = links.find(link.index); l && (l->radio || l->hardware.wiphy)) look_closer(link.index);
		break;
	}
	news.on_link_changed(link.index);
}

void Watcher::reload() noexcept
{
	if (is_reloading) {
		must_reload = true;
		return;
	}
	is_reloading = true;
	must_reload = false;
	worker.run([this_kernel = &kernel] { return this_kernel->read_links(); }, [this](Snapshot snapshot) { on_reloaded(std::move(snapshot)); });
}

void Watcher::on_reloaded(Snapshot snapshot)
{
	is_reloading = false;
	has_links |= snapshot.answer.ok();
	if (snapshot.answer.ok()) {
		for (const int index : links.replace(snapshot.links, snapshot.addresses)) {
			if (links.find(index)) {
				look_closer(index);
				news.on_link_changed(index);
			} else {
				news.on_link_gone(index);
			}
		}
	} else {
		scope.warn(fmt::format("netlink: reading the interfaces failed: {}; trying again", std::strerror(-snapshot.answer.error)));
	}
	for (const Queued &one : std::exchange(queued, {})) apply(one);
	const bool is_whole = snapshot.answer.ok() && !snapshot.answer.is_interrupted && !must_reload;
	if (is_whole) {
		reload_tries = 0;
		return become_ready();
	}
	must_reload = false;
	if (++reload_tries < most_reloads_at_once) reload();
	else reload_later.once(1s);
	if (snapshot.answer.ok()) become_ready();
}

void Watcher::become_ready()
{
	if (is_ready || !has_links || is_asking_wireless || radios_unread) return;
	is_ready = true;
	std::set<int> with_radio; // what makes a radio itself stands in sysfs
	for (const auto &[index, link] : links.all()) {
		if (link.radio) with_radio.insert(index);
	}
	worker.run(details_of(std::move(with_radio), false), [this](std::vector<Detail> details) {
		on_details(std::move(details));
		news.on_all_known();
	});
}

// ---- radios

void Watcher::find_wireless()
{
	if (is_asking_wireless) return;
	is_asking_wireless = true;
	worker.run(
		[this_kernel = &kernel] { return this_kernel->find_wireless(); }, [this](std::optional<Family> family) { on_wireless_found(std::move(family)); });
}

void Watcher::on_wireless_found(std::optional<Family> family)
{
	is_asking_wireless = false;
	if (!family || wireless) return become_ready();
	std::vector<std::uint32_t> groups;
	for (const char *name : {NL80211_MULTICAST_GROUP_CONFIG, NL80211_MULTICAST_GROUP_MLME, NL80211_MULTICAST_GROUP_REG}) {
		if (const auto g = family->groups.find(name); g != family->groups.end()) groups.push_back(g->second);
	}
	wireless = std::make_unique<Listener>(NETLINK_GENERIC, groups);
	if (wireless->error() != 0) {
		scope.warn(fmt::format("nl80211: cannot listen for radios: {}", std::strerror(-wireless->error())));
		wireless.reset();
		return become_ready();
	}
	radios_unread = true;
	wireless_fd.emplace(scope, wireless->descriptor(), pb::bind<&Watcher::on_wireless_readable>(this));
	reload_radios();
}

void Watcher::on_wireless_readable(int, uint32_t) noexcept
{
	if (!wireless->read([this](const nlmsghdr *m) { on_wireless(m); })) return;
	++overrun_count;
	radios_later.once(0ms);
}

void Watcher::on_wireless(const nlmsghdr *message)
{
	auto *m = const_cast<nlmsghdr *>(message);
	if (nlmsg_datalen(m) < static_cast<int>(sizeof(genlmsghdr))) return;
	if (const auto radio = parse_radio(message)) {
		if (links.apply(*radio)) news.on_link_changed(radio->index);
		if (!radio->is_gone && radio->index != 0) look_closer(radio->index);
		return;
	}
	const auto *head = static_cast<const genlmsghdr *>(nlmsg_data(m));
	switch (head->cmd) {
	case NL80211_CMD_NEW_WIPHY:
	case NL80211_CMD_DEL_WIPHY:
	case NL80211_CMD_REG_CHANGE:
	case NL80211_CMD_WIPHY_REG_CHANGE: return radios_later.once(100ms); // they come in crowds
	default: break;
	}
	// Connected, left, a station came or went: what is shown of it has changed.
	if (const auto index = Attributes(message, sizeof(genlmsghdr), NL80211_ATTR_IFINDEX).u32(NL80211_ATTR_IFINDEX)) look_closer(static_cast<int>(*index));
}

void Watcher::reload_radios() noexcept
{
	worker.run([this_kernel = &kernel] { return this_kernel->read_radios(); }, [this](RadioSnapshot snapshot) { on_radios(std::move(snapshot)); });
}

void Watcher::on_radios(RadioSnapshot snapshot)
{
	if (!snapshot.answer.ok()) {
		scope.warn(fmt::format("nl80211: reading the radios failed: {}; trying again", std::strerror(-snapshot.answer.error)));
		radios_later.once(2s);
		return;
	}
	radios = std::move(snapshot);
	radios_unread = false;
	std::set<int> seen;
	for (const Radio &radio : radios.radios) {
		seen.insert(radio.index);
		if (radio.index == 0) continue;
		links.apply(radio);
		look_closer(radio.index);
		news.on_link_changed(radio.index);
	}
	for (const auto &[index, link] : links.all()) {
		if (!link.radio || seen.contains(index)) continue;
		links.find(index)->radio.reset();
		news.on_link_changed(index);
	}
	become_ready();
}

// ---- closer

void Watcher::look_closer(int index)
{
	curious.insert(index);
	closer_later.once(0ms);
}

std::function<std::vector<Watcher::Detail>()> Watcher::details_of(std::set<int> indices, bool with_air)
{
	std::vector<std::pair<int, std::string>> what;
	for (const int index : indices) {
		if (const Link *link = links.find(index)) what.emplace_back(index, link->name);
	}
	return [what = std::move(what), with_air, has_wireless = wireless != nullptr, this_kernel = &kernel] {
		std::vector<Detail> out;
		for (const auto &[index, name] : what) {
			Detail d;
			d.index = index;
			d.hardware = read_hardware(name);
			if (has_wireless) d.radio_answer = this_kernel->read_radio(index, d.radio);
			else d.radio_answer.error = -EOPNOTSUPP;
			if (with_air && d.radio_answer.ok()) d.air = this_kernel->read_air(d.radio);
			out.push_back(std::move(d));
		}
		return out;
	};
}

void Watcher::look_closer_soon() noexcept
{
	if (is_looking_closer || curious.empty()) return;
	std::set<int> some;
	while (!curious.empty() && some.size() < most_at_once) some.insert(curious.extract(curious.begin()));
	is_looking_closer = true;
	worker.run(details_of(std::move(some), true), [this](std::vector<Detail> details) {
		is_looking_closer = false;
		on_details(std::move(details));
		if (!curious.empty()) closer_later.once(0ms);
	});
}

void Watcher::on_details(std::vector<Detail> details)
{
	for (Detail &d : details) {
		Link *link = links.find(d.index);
		if (!link) continue;
		link->hardware = std::move(d.hardware);
		if (d.radio_answer.ok() && d.radio.index == d.index) links.apply(d.radio);
		if (d.air) link->air = *std::move(d.air);
		news.on_link_changed(d.index);
	}
}

void Watcher::refresh_air(std::function<void()> done)
{
	std::set<int> some;
	for (const auto &[index, link] : links.all()) {
		if (link.radio && some.size() < 64) some.insert(index);
	}
	const auto time = std::chrono::steady_clock::now();
	if (some.empty() || time - air_time < air_interval) return done();
	waiting_for_air.push_back(std::move(done));
	if (waiting_for_air.size() > 1) return;
	worker.run(details_of(std::move(some), true), [this](std::vector<Detail> details) {
		air_time = std::chrono::steady_clock::now();
		on_details(std::move(details));
		for (const auto &one : std::exchange(waiting_for_air, {})) one();
	});
}

} // namespace netif
