// A client of OpenSSL's own against Tls, in memory: cut anywhere, closed from both sides, spoilt on the way.
#include "http/tls.hpp"
#include "temp_folder.hpp"

#include <CppUTest/TestHarness.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

using namespace core::http;

namespace {
struct FreeContext {
	void operator()(SSL_CTX *c) const noexcept { SSL_CTX_free(c); }
};
struct FreeSession {
	void operator()(SSL *s) const noexcept { SSL_free(s); }
};

struct Pair {
	std::string certificate, key;
	EVP_PKEY *own = nullptr;
	~Pair() { EVP_PKEY_free(own); }
};

std::string text_of(BIO *b)
{
	std::string out(8192, '\0');
	out.resize(static_cast<std::size_t>(std::max(BIO_read(b, out.data(), static_cast<int>(out.size())), 0)));
	BIO_free(b);
	return out;
}

void make(Pair &p, long seconds = 3600)
{
	p.own = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
	X509 *c = X509_new();
	ASN1_INTEGER_set(X509_get_serialNumber(c), 7);
	X509_gmtime_adj(X509_getm_notBefore(c), -7200);
	X509_gmtime_adj(X509_getm_notAfter(c), seconds);
	X509_set_pubkey(c, p.own);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char *>("kit"), -1, -1, 0);
	X509_set_issuer_name(c, X509_get_subject_name(c));
	X509_sign(c, p.own, EVP_sha256());
	BIO *out = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(out, c);
	p.certificate = text_of(out);
	out = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(out, p.own, nullptr, nullptr, 0, nullptr, nullptr);
	p.key = text_of(out);
	X509_free(c);
}

/// What the other end is: its bytes come and go by two memories.
class Client {
public:
	Client() : context(SSL_CTX_new(TLS_client_method())), session(SSL_new(context.get())), in(BIO_new(BIO_s_mem())), out(BIO_new(BIO_s_mem()))
	{
		SSL_set_bio(session.get(), in, out);
		SSL_set_connect_state(session.get());
	}
	std::string said()
	{
		std::string bytes(1 << 20, '\0');
		const int n = BIO_read(out, bytes.data(), static_cast<int>(bytes.size()));
		bytes.resize(static_cast<std::size_t>(std::max(n, 0)));
		return bytes;
	}
	void hear(std::string_view bytes) { BIO_write(in, bytes.data(), static_cast<int>(bytes.size())); }
	std::string read()
	{
		std::string all, piece(20000, '\0');
		for (int n; (n = SSL_read(session.get(), piece.data(), static_cast<int>(piece.size()))) > 0;) all.append(piece, 0, static_cast<std::size_t>(n));
		return all;
	}
	SSL *get() { return session.get(); }

private:
	std::unique_ptr<SSL_CTX, FreeContext> context;
	std::unique_ptr<SSL, FreeSession> session;
	BIO *in, *out;
};
} // namespace

TEST_GROUP(Tls)
{
	test::TempFolder folder;
	Pair pair;
	std::shared_ptr<const TlsIdentity> identity;
	void setup() override
	{
		make(pair);
		identity = *TlsIdentity::load(folder.write("c.pem", pair.certificate), folder.write("k.pem", pair.key));
	}
	void teardown() override { identity.reset(); }
	/// Gives `bytes` to the server in pieces; what was in them.
	Tls::State give(Tls & server, Client & client, std::string_view bytes, std::size_t piece, std::string & plain)
	{
		Tls::State state = Tls::State::good;
		while (!bytes.empty() && state == Tls::State::good) {
			std::string_view part = bytes.substr(0, piece);
			bytes.remove_prefix(part.size());
			state = server.take(part);
			plain.append(part);
			client.hear(server.to_send());
			Tls::sent();
		}
		return state;
	}
	void shake(Tls & server, Client & client, std::size_t piece = 100000)
	{
		std::string plain;
		for (int i = 0; i < 4; ++i) {
			SSL_do_handshake(client.get());
			CHECK(give(server, client, client.said(), piece, plain) == Tls::State::good);
		}
		CHECK(server.is_ready());
	}
};

TEST(Tls, is_the_same_wherever_it_is_cut)
{
	for (const std::size_t piece : {1UL, 2UL, 5UL, 100UL, 100000UL}) {
		Tls server(identity);
		Client client;
		shake(server, client, piece);
		std::string sent(50000, 'x'), plain;
		for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>('a' + i % 26);
		SSL_write(client.get(), sent.data(), static_cast<int>(sent.size()));
		CHECK(give(server, client, client.said(), piece, plain) == Tls::State::good);
		CHECK(plain == sent);
		CHECK(server.put({"one ", "two ", sent}));
		client.hear(server.to_send());
		Tls::sent();
		CHECK(client.read() == "one two " + sent);
	}
}

TEST(Tls, both_ends_may_say_that_it_is_over)
{
	Tls server(identity);
	Client client;
	shake(server, client);
	std::string plain;
	SSL_write(client.get(), "last", 4);
	SSL_shutdown(client.get());
	CHECK(give(server, client, client.said(), 100000, plain) == Tls::State::ended);
	STRCMP_EQUAL("last", plain.c_str());
	CHECK(server.say_end());
	CHECK(!server.say_end());
	client.hear(server.to_send());
	Tls::sent();
	(void)client.read();
	CHECK((SSL_get_shutdown(client.get()) & SSL_RECEIVED_SHUTDOWN) != 0);
}

TEST(Tls, what_is_spoilt_breaks_it_and_no_more_is_put)
{
	Tls server(identity);
	Client client;
	shake(server, client);
	SSL_write(client.get(), "text", 4);
	std::string bytes = client.said(), plain;
	bytes[bytes.size() - 3] = static_cast<char>(bytes[bytes.size() - 3] ^ 1);
	CHECK(give(server, client, bytes, 100000, plain) == Tls::State::broken);
	CHECK(plain.empty());
	CHECK(!server.put({"text"}));
	CHECK(!server.say_end());
	CHECK(give(server, client, bytes, 100000, plain) == Tls::State::broken);
}

TEST(Tls, plain_text_is_no_tls)
{
	for (const char *text : {"GET / HTTP/1.1\r\n", "P", "OPTIONS * HTTP/1.1"}) {
		Tls server(identity);
		std::string_view bytes = text;
		CHECK_TEXT(server.take(bytes) == Tls::State::not_tls, text);
		CHECK(bytes.empty() && server.to_send().empty());
	}
	Tls server(identity);
	std::string_view noise("\x16\x03\x01\x00\x05hello", 10);
	CHECK(server.take(noise) == Tls::State::broken);
	Tls::sent();
}

TEST(Tls, nothing_is_put_before_the_hands_are_shaken)
{
	Tls server(identity);
	CHECK(!server.put({"text"}));
	CHECK(server.to_send().empty());
}

TEST(Tls, an_expired_certificate_is_told_and_used)
{
	Pair old;
	make(old, -60);
	const auto loaded = TlsIdentity::load(folder.write("old.pem", old.certificate), folder.write("old.key", old.key));
	CHECK(loaded.has_value());
	CHECK((*loaded)->has_expired && !identity->has_expired);
}

TEST(Tls, files_that_do_not_fit_are_named_with_their_setting)
{
	Pair other;
	make(other);
	const std::string certificate = folder.write("a.pem", pair.certificate), key = folder.write("a.key", pair.key);
	const auto code = [](const std::string &c, const std::string &k) { return TlsIdentity::load(c, k).error().code; };
	STRCMP_EQUAL("http.key", code(certificate, folder.write("b.key", other.key)).c_str());
	STRCMP_EQUAL("http.key", code(certificate, folder.write("empty", "")).c_str());
	STRCMP_EQUAL("http.key", code(certificate, folder.path + "/none").c_str());
	STRCMP_EQUAL("http.certificate", code(folder.path, key).c_str());
	STRCMP_EQUAL("http.certificate", code(folder.write("large", std::string(300000, 'x')), key).c_str());
	STRCMP_EQUAL("http.certificate", code(folder.write("half", pair.certificate + pair.certificate.substr(0, 200)), key).c_str());
}
