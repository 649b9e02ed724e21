#include "netlink.hpp"

#include <netlink/attr.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace netif {

namespace {
constexpr std::size_t buffer_size = 65536;
constexpr int tries_of_a_dump = 3;
} // namespace

Message make_message(int type, int flags, const void *head, std::size_t size)
{
	Message m(nlmsg_alloc_simple(type, flags));
	if (!m || nlmsg_append(m.get(), const_cast<void *>(head), size, NLMSG_ALIGNTO) < 0) throw std::bad_alloc();
	return m;
}

Message make_generic(int family, int flags, std::uint8_t command)
{
	const genlmsghdr head{command, 0, 0};
	return make_message(family, flags, &head, sizeof head);
}

// ---- attributes

Attributes::Attributes(const nlmsghdr *message, std::size_t head, int max) : table(static_cast<std::size_t>(max) + 1)
{
	auto *m = const_cast<nlmsghdr *>(message);
	const int size = static_cast<int>(head);
	if (nlmsg_datalen(m) < size) return;
	nla_parse(table.data(), max, nlmsg_attrdata(m, size), nlmsg_attrlen(m, size), nullptr);
}

Attributes::Attributes(const nlattr *nest, int max) : table(static_cast<std::size_t>(max) + 1)
{
	auto *n = const_cast<nlattr *>(nest);
	if (n) nla_parse(table.data(), max, static_cast<nlattr *>(nla_data(n)), nla_len(n), nullptr);
}

const nlattr *Attributes::at(int type) const noexcept
{
	return type >= 0 && static_cast<std::size_t>(type) < table.size() ? table[static_cast<std::size_t>(type)] : nullptr;
}

const nlattr *Attributes::sized(int type, int size) const noexcept
{
	const nlattr *a = at(type);
	return a && nla_len(a) >= size ? a : nullptr;
}

std::optional<std::uint8_t> Attributes::u8(int type) const noexcept
{
	const nlattr *a = sized(type, 1);
	return a ? std::optional(nla_get_u8(a)) : std::nullopt;
}

std::optional<std::uint16_t> Attributes::u16(int type) const noexcept
{
	const nlattr *a = sized(type, 2);
	return a ? std::optional(nla_get_u16(a)) : std::nullopt;
}

std::optional<std::uint32_t> Attributes::u32(int type) const noexcept
{
	const nlattr *a = sized(type, 4);
	return a ? std::optional(nla_get_u32(a)) : std::nullopt;
}

std::optional<std::uint64_t> Attributes::u64(int type) const noexcept
{
	const nlattr *a = sized(type, 8);
	return a ? std::optional(nla_get_u64(a)) : std::nullopt;
}

std::string_view Attributes::bytes(int type) const noexcept
{
	const nlattr *a = at(type);
	return a ? std::string_view(static_cast<const char *>(nla_data(a)), static_cast<std::size_t>(nla_len(a))) : std::string_view();
}

std::optional<std::string> Attributes::text(int type) const
{
	if (!at(type)) return std::nullopt;
	const std::string_view all = bytes(type);
	return std::string(all.substr(0, all.find('\0')));
}

// ---- requests

Channel::~Channel() { close(); }

void Channel::close() noexcept
{
	if (fd >= 0) ::close(fd);
	fd = -1;
}

int Channel::open()
{
	if (fd >= 0) return 0;
	fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (fd < 0) return -errno;
	sockaddr_nl address{};
	address.nl_family = AF_NETLINK;
	socklen_t size = sizeof address;
	if (::bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) < 0 || ::getsockname(fd, reinterpret_cast<sockaddr *>(&address), &size) < 0) {
		const int error = -errno;
		close();
		return error;
	}
	port = address.nl_pid;
	const int on = 1; // older kernels know neither: then there are no words, only the number
	for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK}) ::setsockopt(fd, SOL_NETLINK, option, &on, sizeof on);
	buffer.resize(buffer_size);
	return 0;
}

Answer Channel::ask(Message message, milliseconds deadline, const OnMessage &on_message)
{
	if (const int error = open(); error < 0) return {error, "netlink socket", false};
	const auto end = std::chrono::steady_clock::now() + deadline;
	nlmsghdr *head = nlmsg_hdr(message.get());
	head->nlmsg_seq = ++seq;
	head->nlmsg_pid = port;
	head->nlmsg_flags = static_cast<std::uint16_t>(head->nlmsg_flags | NLM_F_REQUEST | NLM_F_ACK);
	if (::send(fd, head, head->nlmsg_len, 0) < 0) return {-errno, "", false};
	return receive(seq, end, on_message);
}

namespace {
Answer ended(const nlmsghdr *head)
{
	Answer out;
	auto *m = const_cast<nlmsghdr *>(head);
	if (nlmsg_datalen(m) < static_cast<int>(sizeof(int))) return {-EBADMSG, "", false};
	std::memcpy(&out.error, nlmsg_data(m), sizeof out.error);
	const int fixed = head->nlmsg_type == NLMSG_DONE ? static_cast<int>(sizeof(int)) : static_cast<int>(sizeof(nlmsgerr));
	if ((head->nlmsg_flags & NLM_F_ACK_TLVS) != 0 && nlmsg_datalen(m) > fixed) {
		// Capped acknowledgements (NETLINK_CAP_ACK) carry the request's head alone: the words begin right behind it.
		out.text = Attributes(head, static_cast<std::size_t>(fixed), NLMSGERR_ATTR_MSG).text(NLMSGERR_ATTR_MSG).value_or("");
	}
	return out;
}
} // namespace

Answer Channel::receive(std::uint32_t wanted, std::chrono::steady_clock::time_point end, const OnMessage &on_message)
{
	bool is_interrupted = false;
	for (;;) {
		const auto left = std::chrono::duration_cast<std::chrono::microseconds>(end - std::chrono::steady_clock::now()).count();
		if (left <= 0) break;
		const timeval wait{left / 1000000, left % 1000000};
		::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
		sockaddr_nl from{};
		socklen_t from_size = sizeof from;
		const ssize_t n = ::recvfrom(fd, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr *>(&from), &from_size);
		if (n < 0 && (errno == EINTR || errno == ENOBUFS)) continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
		if (n < 0) return {-errno, "", false};
		if (from.nl_pid != 0) continue; // only the kernel is believed
		int size = static_cast<int>(n);
		for (auto *head = reinterpret_cast<nlmsghdr *>(buffer.data()); nlmsg_ok(head, size); head = nlmsg_next(head, &size)) {
			if (head->nlmsg_seq != wanted || head->nlmsg_pid != port) continue; // a late answer
			is_interrupted |= (head->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
			if (head->nlmsg_type == NLMSG_ERROR || head->nlmsg_type == NLMSG_DONE) {
				Answer out = ended(head);
				out.is_interrupted = is_interrupted;
				return out;
			}
			if (on_message) on_message(head);
		}
	}
	close(); // what comes now would be taken for the next answer
	return {-ETIMEDOUT, "no answer from the kernel", false};
}

Answer Channel::dump(const std::function<Message()> &make, milliseconds deadline, const std::function<void()> &on_begin, const OnMessage &on_message)
{
	Answer out;
	for (int i = 0; i < tries_of_a_dump; ++i) {
		on_begin();
		Message m = make();
		nlmsg_hdr(m.get())->nlmsg_flags |= NLM_F_DUMP;
		out = ask(std::move(m), deadline, on_message);
		if (!out.ok() || !out.is_interrupted) break;
	}
	return out;
}

// ---- notifications

Listener::Listener(int protocol, const std::vector<std::uint32_t> &groups) : buffer(buffer_size)
{
	fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	sockaddr_nl address{};
	address.nl_family = AF_NETLINK;
	bool is_good = fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0;
	for (const std::uint32_t group : groups) { is_good = is_good && ::setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0; }
	if (!is_good) failed = -errno;
	const int room = 1 << 20; // 2,000 changes in 70 ms were seen to overrun the default
	if (is_good && ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0) { ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room); }
}

Listener::~Listener()
{
	if (fd >= 0) ::close(fd);
}

bool Listener::read(const Channel::OnMessage &on_message, int most)
{
	bool is_overrun = false;
	for (int i = 0; i < most; ++i) {
		sockaddr_nl from{};
		socklen_t from_size = sizeof from;
		const ssize_t n = ::recvfrom(fd, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr *>(&from), &from_size);
		if (n < 0 && errno == ENOBUFS) {
			is_overrun = true;
			continue;
		}
		if (n < 0) break;
		if (from.nl_pid != 0) continue;
		int size = static_cast<int>(n);
		for (auto *head = reinterpret_cast<nlmsghdr *>(buffer.data()); nlmsg_ok(head, size); head = nlmsg_next(head, &size)) on_message(head);
	}
	return is_overrun;
}

// ---- families

Message family_request(const char *name)
{
	Message m = make_generic(GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY);
	nla_put_string(m.get(), CTRL_ATTR_FAMILY_NAME, name);
	return m;
}

std::optional<Family> parse_family(const nlmsghdr *message)
{
	const Attributes a(message, sizeof(genlmsghdr), CTRL_ATTR_MAX);
	const auto id = a.u16(CTRL_ATTR_FAMILY_ID);
	if (!id) return std::nullopt;
	Family out{*id, {}};
	if (const nlattr *groups = a.at(CTRL_ATTR_MCAST_GROUPS)) {
		int rest = 0;
		nlattr *one = nullptr;
		nla_for_each_nested(one, const_cast<nlattr *>(groups), rest)
		{
			const Attributes g(one, CTRL_ATTR_MCAST_GRP_MAX);
			const auto name = g.text(CTRL_ATTR_MCAST_GRP_NAME);
			const auto number = g.u32(CTRL_ATTR_MCAST_GRP_ID);
			if (name && number) out.groups[*name] = *number;
		}
	}
	return out;
}

} // namespace netif
