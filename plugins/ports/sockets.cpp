#include "sockets.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace ports {

namespace {
constexpr std::size_t most_sockets = 65536;
constexpr std::uint32_t tcp_listen = 1U << 10, udp_unconnected = 1U << 7;

struct Descriptor {
	explicit Descriptor(int fd_) noexcept : fd(fd_) {}
	~Descriptor()
	{
		if (fd >= 0) ::close(fd);
	}
	Descriptor(const Descriptor &) = delete;
	Descriptor &operator=(const Descriptor &) = delete;
	const int fd;
};
} // namespace

// ---- addresses

bool Address::is_wildcard() const noexcept
{
	return std::ranges::all_of(bytes, [](std::uint8_t b) { return b == 0; });
}

Address Address::unmapped() const noexcept
{
	static constexpr std::array<std::uint8_t, 12> prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	if (!is_v6 || !std::equal(prefix.begin(), prefix.end(), bytes.begin())) return *this;
	Address out;
	std::copy(bytes.begin() + 12, bytes.end(), out.bytes.begin());
	return out;
}

std::string Address::text() const
{
	char out[INET6_ADDRSTRLEN] = "";
	inet_ntop(is_v6 ? AF_INET6 : AF_INET, bytes.data(), out, sizeof out);
	return out;
}

std::optional<Address> Address::parse(const std::string &text)
{
	Address out;
	if (inet_pton(AF_INET, text.c_str(), out.bytes.data()) == 1) return out;
	out.is_v6 = true;
	if (inet_pton(AF_INET6, text.c_str(), out.bytes.data()) == 1) return out;
	return std::nullopt;
}

bool collide(const Socket &a, const Socket &b) noexcept
{
	if (a.protocol != b.protocol || a.port != b.port) return false;
	if (a.device != 0 && b.device != 0 && a.device != b.device) return false;
	const Address x = a.address.unmapped(), y = b.address.unmapped();
	if (x.is_v6 == y.is_v6) return x == y || x.is_wildcard() || y.is_wildcard();
	const Socket &six = x.is_v6 ? a : b;
	return six.address.is_wildcard() && !six.is_v6_only; // only "::" reaches into the other family
}

// ---- sock_diag

namespace {
/// One row. False: cut short.
bool parse_row(const char *data, std::size_t size, Protocol protocol, Socket &out)
{
	inet_diag_msg row{};
	if (size < sizeof row) return false;
	std::memcpy(&row, data, sizeof row);
	out.protocol = protocol;
	out.address.is_v6 = row.idiag_family == AF_INET6;
	std::memcpy(out.address.bytes.data(), row.id.idiag_src, out.address.is_v6 ? 16 : 4);
	out.port = ntohs(row.id.idiag_sport);
	out.uid = row.idiag_uid;
	out.inode = row.idiag_inode;
	out.device = row.id.idiag_if;
	for (std::size_t at = NLMSG_ALIGN(sizeof row); at + sizeof(nlattr) <= size;) {
		nlattr a{};
		std::memcpy(&a, data + at, sizeof a);
		if (a.nla_len < sizeof a || at + a.nla_len > size) break;
		if (a.nla_type == INET_DIAG_SKV6ONLY && a.nla_len > sizeof a) out.is_v6_only = data[at + sizeof a] != 0;
		at += (a.nla_len + 3U) & ~3U;
	}
	return true;
}
} // namespace

void parse_answer(std::string_view bytes, Protocol protocol, std::vector<Socket> &into, bool &is_done, int &error)
{
	while (bytes.size() >= sizeof(nlmsghdr)) {
		nlmsghdr head{};
		std::memcpy(&head, bytes.data(), sizeof head);
		if (head.nlmsg_len < sizeof head || head.nlmsg_len > bytes.size()) break;
		const char *body = bytes.data() + sizeof head;
		const std::size_t size = head.nlmsg_len - sizeof head;
		if (head.nlmsg_type == NLMSG_DONE || head.nlmsg_type == NLMSG_ERROR) {
			is_done = true;
			if (head.nlmsg_type == NLMSG_ERROR && size >= sizeof error) std::memcpy(&error, body, sizeof error);
			return;
		}
		Socket socket;
		if (head.nlmsg_type == SOCK_DIAG_BY_FAMILY && into.size() < most_sockets && parse_row(body, size, protocol, socket)) into.push_back(socket);
		bytes.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(head.nlmsg_len), bytes.size()));
	}
}

namespace {
/// 0 or -errno.
int dump(int fd, Protocol protocol, std::uint8_t family, std::vector<Socket> &into)
{
	struct {
		nlmsghdr head;
		inet_diag_req_v2 request;
	} ask{};
	ask.head.nlmsg_len = sizeof ask;
	ask.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	ask.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	ask.request.sdiag_family = family;
	ask.request.sdiag_protocol = protocol == Protocol::tcp ? IPPROTO_TCP : IPPROTO_UDP;
	ask.request.idiag_states = protocol == Protocol::tcp ? tcp_listen : udp_unconnected;
	if (::send(fd, &ask, sizeof ask, 0) < 0) return -errno;
	std::vector<char> buffer(65536);
	bool is_done = false;
	int error = 0;
	while (!is_done) {
		const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return n < 0 ? -errno : -EPIPE;
		parse_answer({buffer.data(), static_cast<std::size_t>(n)}, protocol, into, is_done, error);
	}
	return error;
}

std::optional<std::string> read_whole(const char *path)
{
	const Descriptor file(::open(path, O_RDONLY | O_CLOEXEC));
	if (file.fd < 0) return std::nullopt;
	std::string out;
	std::array<char, 16384> piece{};
	for (ssize_t n = 0; out.size() < 16U << 20 && (n = ::read(file.fd, piece.data(), piece.size())) > 0;) out.append(piece.data(), static_cast<std::size_t>(n));
	return out;
}

/// "0100007F:1F90": words of the machine's byte order.
bool parse_place(std::string_view text, bool is_v6, Socket &out)
{
	const std::size_t digits = is_v6 ? 32 : 8;
	if (text.size() != digits + 5 || text[digits] != ':') return false;
	out.address.is_v6 = is_v6;
	for (std::size_t i = 0; i < digits / 8; ++i) {
		std::uint32_t w = 0;
		const char *end = text.data() + i * 8 + 8;
		if (std::from_chars(text.data() + i * 8, end, w, 16).ptr != end) return false;
		std::memcpy(out.address.bytes.data() + i * 4, &w, 4);
	}
	return std::from_chars(text.data() + digits + 1, text.data() + text.size(), out.port, 16).ptr == text.data() + text.size();
}

std::string_view take_word(std::string_view &line) noexcept
{
	line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
	const std::string_view out = line.substr(0, line.find(' '));
	line.remove_prefix(out.size());
	return out;
}

template<typename T> bool parse_number(std::string_view text, T &out) noexcept
{
	return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc();
}
} // namespace

void parse_table(std::string_view text, Protocol protocol, bool is_v6, std::vector<Socket> &into)
{
	const std::string_view wanted = protocol == Protocol::tcp ? "0A" : "07";
	text.remove_prefix(std::min(text.find('\n'), text.size()));
	while (!text.empty() && into.size() < most_sockets) {
		text.remove_prefix(1);
		const std::size_t end = std::min(text.find('\n'), text.size());
		std::string_view line = text.substr(0, end);
		text.remove_prefix(end);
		// sl local remote st tx:rx tr:when retrnsmt uid timeout inode
		std::array<std::string_view, 10> words;
		for (std::string_view &w : words) w = take_word(line);
		Socket socket;
		socket.protocol = protocol;
		if (words[3] != wanted || !parse_place(words[1], is_v6, socket) || !parse_number(words[7], socket.uid) || !parse_number(words[9], socket.inode))
			continue;
		into.push_back(socket);
	}
}

Sockets read_sockets()
{
	Sockets out;
	const Descriptor diag(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
	const timeval wait{2, 0};
	if (diag.fd >= 0) ::setsockopt(diag.fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	struct Table {
		Protocol protocol;
		std::uint8_t family;
		const char *path;
	};
	for (const Table &t : {Table{Protocol::tcp, AF_INET, "/proc/net/tcp"}, Table{Protocol::tcp, AF_INET6, "/proc/net/tcp6"},
			 Table{Protocol::udp, AF_INET, "/proc/net/udp"}, Table{Protocol::udp, AF_INET6, "/proc/net/udp6"}}) {
		const std::size_t before = out.all.size();
		const int error = diag.fd >= 0 ? dump(diag.fd, t.protocol, t.family, out.all) : -ENOENT;
		if (error == 0) continue;
		out.all.resize(before); // the kernel lacks the module: the old tables say nearly the same
		if (const auto text = read_whole(t.path)) parse_table(*text, t.protocol, t.family == AF_INET6, out.all);
		else if (t.family == AF_INET)
			out.why = fmt::format("neither sock_diag ({}) nor {} ({}) can be read", std::strerror(-error), t.path, std::strerror(errno));
	}
	return out;
}

} // namespace ports
