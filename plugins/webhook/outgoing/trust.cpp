#include "trust.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <array>

namespace webhook::outgoing {

namespace {
/// OpenSSL's own macro for it has a cast that our warnings refuse.
bool set_server_name(SSL *s, const std::string &host)
{
	std::string name = host;
	return SSL_ctrl(s, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
}
} // namespace

void Trust::Free::operator()(ssl_ctx_st *c) const noexcept { SSL_CTX_free(c); }

std::string Trust::load()
{
	const std::lock_guard lock(guard);
	if (context) return {};
	ERR_clear_error();
	std::unique_ptr<ssl_ctx_st, Free> made(SSL_CTX_new(TLS_client_method()));
	if (!made) return "OpenSSL does not start";
	SSL_CTX_set_min_proto_version(made.get(), TLS1_2_VERSION);
	SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
	SSL_CTX_set_session_cache_mode(made.get(), SSL_SESS_CACHE_OFF);
	const int is_loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(made.get()) : SSL_CTX_load_verify_locations(made.get(), ca_file.c_str(), nullptr);
	if (is_loaded != 1) {
		const char *why = ERR_reason_error_string(ERR_peek_last_error());
		std::string text = fmt::format("outgoing.ca_file {} cannot be used: {}", ca_file, why ? why : "no reason is given");
		ERR_clear_error();
		return text;
	}
	context = std::move(made);
	return {};
}

bool Trust::is_loaded() const
{
	const std::lock_guard lock(guard);
	return context != nullptr;
}

ssl_st *Trust::session_for(const std::string &host) const
{
	const std::lock_guard lock(guard);
	SSL *out = context ? SSL_new(context.get()) : nullptr;
	if (!out) return nullptr;
	std::array<unsigned char, sizeof(in6_addr)> address{};
	const bool is_address = inet_pton(AF_INET, host.c_str(), address.data()) == 1 || inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
	X509_VERIFY_PARAM *wanted = SSL_get0_param(out);
	X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	const bool is_set =
		is_address ? X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1 : SSL_set1_host(out, host.c_str()) == 1 && set_server_name(out, host);
	if (is_set) return out;
	SSL_free(out);
	return nullptr;
}

std::string Trust::complaint(const ssl_st *session)
{
	const long result = SSL_get_verify_result(session);
	return result == X509_V_OK ? std::string() : fmt::format("its certificate is not trusted: {}", X509_verify_cert_error_string(result));
}

} // namespace webhook::outgoing
