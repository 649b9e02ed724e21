// One connection's encryption: bytes of the socket in, plain bytes out, and the other way round. It touches no socket, so that
// all that the gate does with a connection (limits, deadlines, watermarks) is the same with and without it.
#pragma once
#include "http/tls_identity.hpp"

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

struct ssl_st;

namespace core::http {

/// Loop thread. The views it gives are good until the next call of any.
class Tls final {
public:
	enum class State {
		good,
		ended,   // the other end has said that nothing more comes
		not_tls, // what came first is plain text
		broken   // not to be gone on with; what is to be said about it is to be sent
	};
	explicit Tls(std::shared_ptr<const TlsIdentity> identity);
	~Tls();
	Tls(const Tls &) = delete;
	Tls &operator=(const Tls &) = delete;

	/// `bytes`: what has come; then what was in it, maybe nothing yet. At most most_bytes of them.
	State take(std::string_view &bytes);
	static constexpr std::size_t most_bytes = 64 << 10;
	/// False: broken.
	bool put(std::initializer_list<std::string_view> pieces);
	/// Nothing more will be put. False: there is nothing to be said.
	bool say_end();
	/// What the calls above have for the socket.
	[[nodiscard]] std::string_view to_send() const noexcept;
	/// It has been sent, or is not wanted.
	static void sent() noexcept;
	[[nodiscard]] bool is_ready() const noexcept { return has_shaken_hands; }

private:
	struct Pipe; // OpenSSL's idea of a socket
	struct Free {
		void operator()(ssl_st *s) const noexcept;
	};
	bool put(std::string_view piece);
	std::shared_ptr<const TlsIdentity> identity; // shared: a renewed one may replace it for those that come
	std::string_view incoming;
	bool has_begun = false, has_shaken_hands = false, is_broken = false;
	std::unique_ptr<ssl_st, Free> session;
};

} // namespace core::http
