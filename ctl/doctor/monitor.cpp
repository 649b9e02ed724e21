#include "doctor/monitor.hpp"

#include <linux/nl80211.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include <memory>

#include <sys/socket.h>
#include <sys/time.h>

namespace ctl {

namespace {

struct Reply {
	bool has_modes = false, has_monitor = false;
};

int on_message(nl_msg *message, void *into)
{
	auto &reply = *static_cast<Reply *>(into);
	auto *header = static_cast<genlmsghdr *>(nlmsg_data(nlmsg_hdr(message)));
	nlattr *all[NL80211_ATTR_MAX + 1]{};
	if (nla_parse(all, NL80211_ATTR_MAX, genlmsg_attrdata(header, 0), genlmsg_attrlen(header, 0), nullptr) != 0) return NL_SKIP;
	nlattr *modes = all[NL80211_ATTR_SUPPORTED_IFTYPES], *mode = nullptr;
	if (!modes) return NL_SKIP;
	reply.has_modes = true;
	int left = 0;
	nla_for_each_nested(mode, modes, left) reply.has_monitor = reply.has_monitor || nla_type(mode) == NL80211_IFTYPE_MONITOR;
	return NL_SKIP;
}

} // namespace

std::optional<bool> can_monitor(unsigned interface_index)
{
	const std::unique_ptr<nl_sock, void (*)(nl_sock *)> socket(nl_socket_alloc(), &nl_socket_free);
	if (!socket || genl_connect(socket.get()) != 0) return {};
	const timeval limit{2, 0};
	(void)setsockopt(nl_socket_get_fd(socket.get()), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	const int family = genl_ctrl_resolve(socket.get(), "nl80211");
	if (family < 0) return {};
	const std::unique_ptr<nl_msg, void (*)(nl_msg *)> message(nlmsg_alloc(), &nlmsg_free);
	if (!message || !genlmsg_put(message.get(), NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0, NL80211_CMD_GET_WIPHY, 0)) return {};
	nla_put_u32(message.get(), NL80211_ATTR_IFINDEX, interface_index);
	Reply reply;
	nl_socket_modify_cb(socket.get(), NL_CB_VALID, NL_CB_CUSTOM, &on_message, &reply);
	if (nl_send_auto(socket.get(), message.get()) < 0 || nl_recvmsgs_default(socket.get()) < 0 || !reply.has_modes) return {};
	return reply.has_monitor;
}

} // namespace ctl
