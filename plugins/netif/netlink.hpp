// Netlink, built and parsed with libnl, received by hand: requests block and belong on a worker (the kernel does the work
// inside send() and recv(), whatever the flags say); notifications are free and belong on the loop.
#pragma once
#include <netlink/msg.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netif {

using std::chrono::milliseconds;

struct MessageFree {
	void operator()(nl_msg *m) const noexcept { nlmsg_free(m); }
};
using Message = std::unique_ptr<nl_msg, MessageFree>;

/// A message of `type` with `size` bytes of fixed header after nlmsghdr. Attributes follow with nla_put_*.
[[nodiscard]] Message make_message(int type, int flags, const void *head, std::size_t size);
/// A generic netlink message of a family.
[[nodiscard]] Message make_generic(int family, int flags, std::uint8_t command);

/// Attributes by type; those above `max` are left out. Valid as long as the message.
class Attributes {
public:
	Attributes(const nlmsghdr *message, std::size_t head, int max);
	Attributes(const nlattr *nest, int max);
	[[nodiscard]] const nlattr *at(int type) const noexcept;
	[[nodiscard]] std::optional<std::uint8_t> u8(int type) const noexcept;
	[[nodiscard]] std::optional<std::uint16_t> u16(int type) const noexcept;
	[[nodiscard]] std::optional<std::uint32_t> u32(int type) const noexcept;
	[[nodiscard]] std::optional<std::uint64_t> u64(int type) const noexcept;
	/// Without the NUL that may end it.
	[[nodiscard]] std::optional<std::string> text(int type) const;
	[[nodiscard]] std::string_view bytes(int type) const noexcept;

private:
	[[nodiscard]] const nlattr *sized(int type, int size) const noexcept;
	std::vector<nlattr *> table;
};

/// How a request ended. error: 0 or -errno as the kernel gave it; text: its NETLINK_EXT_ACK words, may be empty.
struct Answer {
	int error = 0;
	std::string text;
	bool is_interrupted = false; // a dump that changed under way: ask again
	[[nodiscard]] bool ok() const noexcept { return error >= 0; }
};

/// Requests, one at a time, each with a deadline. Blocks: for a worker, never two at once. Opens its socket when first used,
/// and again after a deadline has passed. -ETIMEDOUT means "unknown", never "not done".
class Channel final {
public:
	using OnMessage = std::function<void(const nlmsghdr *)>;

	explicit Channel(int protocol_) noexcept : protocol(protocol_) {}
	~Channel();
	Channel(const Channel &) = delete;
	Channel &operator=(const Channel &) = delete;

	Answer ask(Message message, milliseconds deadline, const OnMessage &on_message = {});
	/// A dump that starts anew, up to three times, when it was interrupted; on_begin before each try.
	Answer dump(const std::function<Message()> &make, milliseconds deadline, const std::function<void()> &on_begin, const OnMessage &on_message);

private:
	[[nodiscard]] int open();
	void close() noexcept;
	Answer receive(std::uint32_t wanted, std::chrono::steady_clock::time_point end, const OnMessage &on_message);
	const int protocol;
	int fd = -1;
	std::uint32_t port = 0, seq = 0;
	std::vector<char> buffer;
};

/// Notifications of some groups. Non-blocking; read() when the descriptor is readable.
class Listener final {
public:
	/// groups: numbers as NETLINK_ADD_MEMBERSHIP takes them. error() where it could not be opened.
	Listener(int protocol, const std::vector<std::uint32_t> &groups);
	~Listener();
	Listener(const Listener &) = delete;
	Listener &operator=(const Listener &) = delete;

	[[nodiscard]] int descriptor() const noexcept { return fd; }
	[[nodiscard]] int error() const noexcept { return failed; }
	/// Up to `most` datagrams from the kernel. True: some were lost (ENOBUFS), what is known must be read anew.
	bool read(const Channel::OnMessage &on_message, int most = 32);

private:
	int fd = -1;
	int failed = 0;
	std::vector<char> buffer;
};

/// A generic netlink family: its number and its groups.
struct Family {
	int id = 0;
	std::map<std::string, std::uint32_t> groups;
};
[[nodiscard]] Message family_request(const char *name);
[[nodiscard]] std::optional<Family> parse_family(const nlmsghdr *message);

} // namespace netif
