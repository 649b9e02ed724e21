#include "sign.hpp"

#include <patchbay/patchbay.hpp>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>

namespace webhook::outgoing {

namespace {
void append_hex(std::string &out, const unsigned char *bytes, std::size_t size)
{
	constexpr std::string_view digits = "0123456789abcdef";
	for (std::size_t i = 0; i < size; ++i) out.append({digits[bytes[i] >> 4], digits[bytes[i] & 15]});
}
} // namespace

std::string signature(std::string_view secret, std::string_view body)
{
	std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
	unsigned size = 0;
	HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char *>(body.data()), body.size(), sum.data(), &size);
	std::string out = "sha256=";
	append_hex(out, sum.data(), size);
	return out;
}

std::string random_id(std::string_view prefix)
{
	std::array<unsigned char, 12> bytes{};
	if (RAND_bytes(bytes.data(), bytes.size()) != 1) throw pb::Error(500, "", "the system gives no random numbers");
	std::string out(prefix);
	append_hex(out, bytes.data(), bytes.size());
	return out;
}

} // namespace webhook::outgoing
