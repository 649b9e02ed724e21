// A kernel with radios in it, that does what the real one was seen to do, and fails where a test says so.
#pragma once
#include "netif/kernel.hpp"

#include <linux/nl80211.h>
#include <net/if.h>

#include <cerrno>
#include <deque>

class ToyKernel final : public netif::Kernel {
public:
	struct Device {
		std::uint32_t wiphy = 0, type = NL80211_IFTYPE_STATION, mhz = 0;
		bool is_up = true;
		std::string name;
	};
	std::map<int, Device> devices;
	std::map<std::string, std::deque<int>> failures; // by step: the next answers; 0: as usual
	std::vector<std::string> log;                    // what has been changed, in order

	netif::Answer read_link(int index, netif::LinkNews &out) override
	{
		if (!devices.contains(index)) return {-ENODEV, "", false};
		out.index = index;
		out.flags = devices[index].is_up ? unsigned{IFF_UP} : 0U;
		return {};
	}
	netif::Answer read_radio(int index, netif::Radio &out) override
	{
		if (const int error = next("read"); error != 0) return {error, "", false};
		if (!devices.contains(index)) return {-ENODEV, "", false};
		const Device &d = devices[index];
		out.index = index;
		out.wiphy = d.wiphy;
		out.type = d.type;
		out.name = d.name;
		if (d.mhz != 0) out.frequency = d.mhz;
		return {};
	}
	netif::Answer read_siblings(std::uint32_t, int, std::vector<netif::Radio> &) override { return {}; }
	netif::Answer set_up(int index, bool is_up) override
	{
		if (const int error = change(is_up ? "up" : "down", index); error != 0) return {error, "", false};
		devices[index].is_up = is_up;
		return {};
	}
	netif::Answer set_type(int index, std::uint32_t type) override
	{
		if (const int error = change("type", index); error != 0) return {error, "", false};
		if (devices[index].is_up) return {-EBUSY, "", false};
		devices[index].type = type;
		return {};
	}
	netif::Answer set_frequency(int index, std::uint32_t mhz) override
	{
		if (const int error = change("frequency", index); error != 0) return {error, "", false};
		if (devices[index].type != NL80211_IFTYPE_MONITOR || !devices[index].is_up) return {-EBUSY, "", false};
		devices[index].mhz = mhz;
		return {};
	}
	std::vector<std::string> keep(int) override { return {}; }
	netif::Answer put_back(std::string_view) override { return {}; }

	std::function<void(const std::string &step)> on_change; // before each change

private:
	int next(const std::string &step)
	{
		auto &list = failures[step];
		if (list.empty()) return 0;
		const int out = list.front();
		list.pop_front();
		return out;
	}
	int change(const std::string &step, int index)
	{
		if (on_change) on_change(step);
		log.push_back(step);
		if (const int error = next(step); error != 0) return error;
		return devices.contains(index) ? 0 : -ENODEV;
	}
};
