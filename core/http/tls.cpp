#include "http/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>

namespace core::http {

namespace {
constexpr std::size_t record = 16 << 10, most_kept = 256 << 10;
// One for all connections: used and emptied within a callback. A record that came in pieces is whole in one of them.
std::array<char, Tls::most_bytes + 2 * record> plain_text;
std::string outgoing, joined;
} // namespace

struct Tls::Pipe {
	static int read(BIO *b, char *into, int size)
	{
		auto &in = static_cast<Tls *>(BIO_get_data(b))->incoming;
		BIO_clear_retry_flags(b);
		if (in.empty()) {
			BIO_set_retry_read(b);
			return -1;
		}
		const std::size_t n = std::min(in.size(), static_cast<std::size_t>(size));
		std::memcpy(into, in.data(), n);
		in.remove_prefix(n);
		return static_cast<int>(n);
	}
	static int write(BIO *b, const char *data, int size)
	{
		BIO_clear_retry_flags(b);
		outgoing.append(data, static_cast<std::size_t>(size));
		return size;
	}
	static long control(BIO *, int what, long, void *) { return what == BIO_CTRL_FLUSH ? 1 : 0; }
	struct FreeMethod {
		void operator()(BIO_METHOD *m) const noexcept { BIO_meth_free(m); }
	};
	static BIO *make(Tls *self)
	{
		static const std::unique_ptr<BIO_METHOD, FreeMethod> method = [] {
			std::unique_ptr<BIO_METHOD, FreeMethod> m(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "patchbay"));
			BIO_meth_set_read(m.get(), read);
			BIO_meth_set_write(m.get(), write);
			BIO_meth_set_ctrl(m.get(), control);
			return m;
		}();
		BIO *out = BIO_new(method.get());
		BIO_set_data(out, self);
		BIO_set_init(out, 1);
		return out;
	}
};

void Tls::Free::operator()(ssl_st *s) const noexcept { SSL_free(s); }

Tls::Tls(std::shared_ptr<const TlsIdentity> identity_) : identity(std::move(identity_)), session(SSL_new(identity->context()))
{
	BIO *pipe = Pipe::make(this);
	SSL_set_bio(session.get(), pipe, pipe); // takes both over, as one
	SSL_set_accept_state(session.get());
}

Tls::~Tls() = default;

Tls::State Tls::take(std::string_view &bytes)
{
	incoming = std::exchange(bytes, {});
	if (is_broken) return State::broken;
	// A record begins with its type, and a handshake's is 22: letters are somebody who speaks plain HTTP.
	if (!std::exchange(has_begun, true) && !incoming.empty() && incoming[0] >= 'A' && incoming[0] <= 'Z') return State::not_tls;
	ERR_clear_error(); // whatever is found there after a call is taken for its own
	std::size_t size = 0;
	int result = 1;
	if (!has_shaken_hands) {
		result = SSL_do_handshake(session.get());
		has_shaken_hands = result == 1;
	}
	while (has_shaken_hands && size < plain_text.size()) {
		result = SSL_read(session.get(), plain_text.data() + size, static_cast<int>(plain_text.size() - size));
		if (result <= 0) break;
		size += static_cast<std::size_t>(result);
	}
	bytes = {plain_text.data(), size};
	switch (SSL_get_error(session.get(), result)) {
	case SSL_ERROR_WANT_READ: return State::good;
	case SSL_ERROR_ZERO_RETURN: return State::ended;
	default:
		is_broken = true;
		ERR_clear_error();
		return State::broken;
	}
}

bool Tls::put(std::string_view piece)
{
	while (!piece.empty()) {
		const int n = SSL_write(session.get(), piece.data(), static_cast<int>(std::min<std::size_t>(piece.size(), INT_MAX)));
		if (n <= 0) {
			is_broken = true;
			ERR_clear_error();
			return false;
		}
		piece.remove_prefix(static_cast<std::size_t>(n));
	}
	return true;
}

bool Tls::put(std::initializer_list<std::string_view> pieces)
{
	if (is_broken || !has_shaken_hands) return false;
	ERR_clear_error();
	std::size_t size = 0;
	for (const std::string_view p : pieces) size += p.size();
	if (size > record) return std::ranges::all_of(pieces, [this](std::string_view p) { return put(p); });
	joined.clear(); // one record costs less than a record each
	for (const std::string_view p : pieces) joined.append(p);
	return put(joined);
}

bool Tls::say_end()
{
	if (!has_shaken_hands || is_broken || (SSL_get_shutdown(session.get()) & SSL_SENT_SHUTDOWN) != 0) return false;
	ERR_clear_error();
	(void)SSL_shutdown(session.get());
	ERR_clear_error();
	return true;
}

std::string_view Tls::to_send() const noexcept { return outgoing; }

void Tls::sent() noexcept
{
	outgoing.clear();
	if (outgoing.capacity() > most_kept) outgoing.shrink_to_fit();
}

} // namespace core::http
