// The interfaces that can be acquired: are they there, can they listen to everything, does NetworkManager hold them.
#include "doctor/checks.hpp"
#include "doctor/monitor.hpp"
#include "doctor/processes.hpp"

#include "failure.hpp"
#include "program.hpp"

#include <fmt/format.h>

#include <net/if.h>
#include <unistd.h>

namespace ctl {

namespace {

constexpr const char *other_adapter = "plug in another adapter (mt76, ath9k_htc, rtl88x2bu), and name it in [plugins.netif] interfaces";

/// "10 (unmanaged)", "100 (connected)", …; empty: there is no nmcli, or it does not know.
std::string manager_state(const std::string &interface)
{
	try {
		std::string said;
		if (run_program({"nmcli", "-g", "GENERAL.STATE", "device", "show", interface}, &said) != done) return {};
		return said.substr(0, said.find('\n'));
	} catch (const Failure &) {
		return {};
	}
}

void check_manager(const std::string &interface, Findings &found)
{
	if (processes_called("NetworkManager").empty()) return;
	const std::string state = manager_state(interface);
	if (state.empty() || state.starts_with("10 ")) return; // unmanaged
	found.push_back({"interface", Grade::odd,
		fmt::format("NetworkManager holds {} ({}); it is told to let go when the interface is acquired, and may be slow at it", interface, state),
		fmt::format("nmcli device set {} managed no", interface)});
}

} // namespace

void check_interfaces(const Kit &kit, Findings &found)
{
	if (!kit.is_enabled("netif")) return;
	for (const std::string &name : kit.list("netif", "interfaces", {"wlan2"})) {
		const unsigned index = if_nametoindex(name.c_str());
		if (index == 0) {
			found.push_back({"interface", Grade::bad, fmt::format("there is no interface {}", name),
				"plug it in, or name yours in [plugins.netif] interfaces; patchbayctl interfaces lists them"});
			continue;
		}
		const bool is_wireless = access(fmt::format("/sys/class/net/{}/phy80211", name).c_str(), F_OK) == 0;
		const auto monitor = is_wireless ? can_monitor(index) : std::nullopt;
		if (!is_wireless)
			found.push_back({"interface", Grade::odd, fmt::format("{} is not wireless: it can be owned, but not listen to everything", name), other_adapter});
		else if (monitor && !*monitor) found.push_back({"interface", Grade::bad, fmt::format("{} cannot do monitor mode", name), other_adapter});
		else found.push_back({"interface", Grade::good, fmt::format("{} can do monitor mode", name), ""});
		check_manager(name, found);
	}
}

} // namespace ctl
