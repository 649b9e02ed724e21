#include "http/tls_identity.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace core::http {

namespace {
constexpr std::size_t most_bytes = 256 << 10;

struct FreeBio {
	void operator()(BIO *b) const noexcept { BIO_free(b); }
};
struct FreeCertificate {
	void operator()(X509 *c) const noexcept { X509_free(c); }
};
struct FreeKey {
	void operator()(EVP_PKEY *k) const noexcept { EVP_PKEY_free(k); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;
using Certificate = std::unique_ptr<X509, FreeCertificate>;
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

/// Emptied before it goes: a key stands in it.
struct Bytes {
	std::array<char, most_bytes> data;
	std::size_t size = 0;
	~Bytes() { OPENSSL_cleanse(data.data(), data.size()); }
};

tl::unexpected<Error> flaw(const char *setting, const std::string &file, std::string_view why)
{
	return fail(fmt::format("{}: {} {}", setting, file, why), 400, setting);
}

std::string reason_of_openssl()
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());
	ERR_clear_error();
	return text ? text : "no reason is given";
}

/// O_NONBLOCK: a FIFO without a writer must not hold us.
Result<std::unique_ptr<Bytes>> contents(const char *setting, const std::string &file)
{
	const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) return flaw(setting, file, fmt::format("cannot be read: {}", std::strerror(errno)));
	auto out = std::make_unique<Bytes>();
	struct stat about {};
	const bool is_file = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
	ssize_t n = 0;
	while (is_file && out->size < most_bytes && (n = read(fd, out->data.data() + out->size, most_bytes - out->size)) > 0)
		out->size += static_cast<std::size_t>(n);
	close(fd);
	if (!is_file) return flaw(setting, file, "is no regular file");
	if (n < 0) return flaw(setting, file, "cannot be read to its end");
	if (out->size == most_bytes) return flaw(setting, file, fmt::format("is larger than {} bytes", most_bytes - 1));
	return out;
}

Bio reader_of(const Bytes &bytes) { return Bio(BIO_new_mem_buf(bytes.data.data(), static_cast<int>(bytes.size))); }

/// Nobody is there to be asked for a passphrase.
int no_passphrase(char *, int, int, void *) { return -1; }

Result<void> use_chain(SSL_CTX *context, const std::string &file, bool &has_expired)
{
	auto bytes = contents("http.certificate", file);
	if (!bytes) return fail(std::move(bytes.error()));
	const Bio in = reader_of(**bytes);
	const Certificate own(PEM_read_bio_X509_AUX(in.get(), nullptr, no_passphrase, nullptr));
	if (!own) return flaw("http.certificate", file, fmt::format("holds no certificate in PEM: {}", reason_of_openssl()));
	has_expired = X509_cmp_time(X509_get0_notAfter(own.get()), nullptr) < 0;
	if (SSL_CTX_use_certificate(context, own.get()) != 1) return flaw("http.certificate", file, fmt::format("cannot be used: {}", reason_of_openssl()));
	while (Certificate next{PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr)})
		if (SSL_CTX_add1_chain_cert(context, next.get()) != 1)
			return flaw("http.certificate", file, fmt::format("has a chain that cannot be used: {}", reason_of_openssl()));
	const bool is_whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	if (!is_whole) return flaw("http.certificate", file, fmt::format("has a chain that cannot be read: {}", reason_of_openssl()));
	ERR_clear_error();
	return {};
}

Result<void> use_key(SSL_CTX *context, const std::string &file, const std::string &certificate)
{
	auto bytes = contents("http.key", file);
	if (!bytes) return fail(std::move(bytes.error()));
	const std::string_view text((*bytes)->data.data(), (*bytes)->size);
	const Bio in = reader_of(**bytes);
	const Key key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr));
	if (!key && text.find("ENCRYPTED") != std::string_view::npos)
		return flaw("http.key", file, "is encrypted, and nobody is there to be asked for its passphrase; write it in plain (openssl pkey -in FILE -out FILE)");
	if (!key) return flaw("http.key", file, fmt::format("holds no private key in PEM: {}", reason_of_openssl()));
	if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
		ERR_clear_error();
		return flaw("http.key", file, fmt::format("does not belong to the certificate in {}", certificate));
	}
	return {};
}

/// What a browser offers beside it is not spoken here.
int choose_protocol(SSL *, const unsigned char **out, unsigned char *size, const unsigned char *in, unsigned in_size, void *)
{
	static constexpr unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen = nullptr;
	if (SSL_select_next_proto(&chosen, size, ours, sizeof ours - 1, in, in_size) != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}
} // namespace

void TlsIdentity::Free::operator()(ssl_ctx_st *c) const noexcept { SSL_CTX_free(c); }

Result<std::shared_ptr<const TlsIdentity>> TlsIdentity::load(const std::string &certificate, const std::string &key)
{
	ERR_clear_error();
	std::shared_ptr<TlsIdentity> out(new TlsIdentity(SSL_CTX_new(TLS_server_method())));
	SSL_CTX *context = out->context();
	if (!context) return fail("http.certificate: OpenSSL does not start: " + reason_of_openssl(), 500, "http.certificate");
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); // tickets do it, and cost no memory here
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
	if (auto done = use_chain(context, certificate, out->has_expired); !done) return fail(std::move(done.error()));
	if (auto done = use_key(context, key, certificate); !done) return fail(std::move(done.error()));
	return std::shared_ptr<const TlsIdentity>(std::move(out));
}

} // namespace core::http
