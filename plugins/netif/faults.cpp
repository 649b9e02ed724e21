#include "faults.hpp"

#include "nl80211.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace netif {

namespace {
const char *verb(Step step) noexcept
{
	switch (step) {
	case Step::read: return "reading its state";
	case Step::down: return "taking it down";
	case Step::type: return "changing its mode";
	case Step::up: return "bringing it up";
	case Step::frequency: return "setting its channel";
	}
	return "";
}

std::string channel_text(std::uint32_t mhz)
{
	const auto channel = channel_of(mhz);
	return channel ? fmt::format("channel {} ({} MHz)", *channel, mhz) : fmt::format("{} MHz", mhz);
}
} // namespace

Fault radio_is_off(const std::string &name, bool by_switch)
{
	return {409, "RADIO_OFF",
		by_switch ? fmt::format("{}: the radio is switched off by its switch", name) : fmt::format("{}: the radio is switched off: rfkill unblock wifi", name)};
}

Fault unplugged(const std::string &name) { return {409, "INTERFACE_LOST", fmt::format("{} was unplugged", name)}; }

Fault explain(Step step, const Answer &answer, const Circumstances &about)
{
	if (answer.ok()) return {};
	const std::string why = answer.text.empty() ? "" : fmt::format(" ({})", answer.text);
	switch (-answer.error) {
	case EBUSY:
		if (step != Step::frequency) return {409, "INTERFACE_BUSY", fmt::format("{} is in use (raised again by another program){}", about.name, why)};
		return {409, "INTERFACE_BUSY",
			fmt::format("{}: another interface of this radio ({}) is in use", about.name, about.sibling.empty() ? "unknown" : about.sibling)};
	case ENODEV: return unplugged(about.name);
	case EOPNOTSUPP: return {422, "MODE_UNSUPPORTED", fmt::format("{}: this adapter cannot do {}{}", about.name, about.mode, why)};
	case EPERM: return {403, "PERMISSION_DENIED", fmt::format("{}: {} is not permitted: Patchbay lacks CAP_NET_ADMIN", about.name, verb(step))};
	case ERFKILL: return radio_is_off(about.name, about.is_hard_blocked);
	case EINVAL:
		if (step == Step::frequency) {
			const bool is_known = !about.country.empty() && about.country != "00";
			return {422, "CHANNEL_UNSUPPORTED",
				fmt::format("{}: {} is not allowed {}{}", about.name, channel_text(about.mhz),
					is_known ? "in " + about.country : "here (no country is set: iw reg set DE)", why)};
		}
		break;
	case ETIMEDOUT:
		return {
			504, "INTERFACE_STUCK", fmt::format("{}: {} has had no answer from the driver in time; whether it was done is unknown", about.name, verb(step))};
	default: break;
	}
	return {500, "INTERFACE_FAILED", fmt::format("{}: {} failed: {}{}", about.name, verb(step), std::strerror(-answer.error), why)};
}

} // namespace netif
