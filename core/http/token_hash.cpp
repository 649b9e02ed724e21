#include "http/token_hash.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace core::http {

namespace {
using Digest = std::array<std::uint8_t, 32>;
constexpr std::string_view scheme = "sha256$";

struct FreeMd {
	void operator()(EVP_MD *md) const noexcept { EVP_MD_free(md); }
};
struct FreeContext {
	void operator()(EVP_MD_CTX *c) const noexcept { EVP_MD_CTX_free(c); }
};

/// Fetched once: EVP_sha256() would look it up for each digest.
Digest digest_of(std::string_view salt, std::string_view token)
{
	static const std::unique_ptr<EVP_MD, FreeMd> sha256(EVP_MD_fetch(nullptr, "SHA256", nullptr));
	static const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new()); // loop thread only
	Digest out{};
	unsigned size = 0;
	const bool is_made = sha256 && context && EVP_DigestInit_ex(context.get(), sha256.get(), nullptr) == 1 &&
						 EVP_DigestUpdate(context.get(), salt.data(), salt.size()) == 1 && EVP_DigestUpdate(context.get(), token.data(), token.size()) == 1 &&
						 EVP_DigestFinal_ex(context.get(), out.data(), &size) == 1;
	if (!is_made || size != out.size()) throw std::runtime_error("libcrypto has no SHA-256");
	return out;
}

int nibble(char c) noexcept { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }
} // namespace

std::optional<TokenHash> TokenHash::parse(std::string_view text)
{
	if (!text.starts_with(scheme)) return {};
	text.remove_prefix(scheme.size());
	const std::size_t dollar = text.find('$');
	if (dollar == std::string_view::npos) return {};
	TokenHash out;
	out.salt = text.substr(0, dollar);
	const std::string_view hex = text.substr(dollar + 1);
	const bool is_salt = out.salt.size() <= 64 && std::ranges::all_of(out.salt, [](char c) { return nibble(c) >= 0; });
	if (!is_salt || hex.size() != out.digest.size() * 2) return {};
	for (std::size_t i = 0; i < out.digest.size(); ++i) {
		const int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);
		if (high < 0 || low < 0) return {};
		out.digest[i] = static_cast<std::uint8_t>(high * 16 + low);
	}
	return out;
}

bool TokenHash::is_of(std::string_view token) const
{
	const Digest given = digest_of(salt, token);
	return CRYPTO_memcmp(given.data(), digest.data(), digest.size()) == 0 && !token.empty();
}

std::string hash_token(std::string_view token)
{
	std::array<std::uint8_t, 16> random{};
	if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) throw std::runtime_error("libcrypto gives no random bytes");
	const std::string salt = fmt::format("{:02x}", fmt::join(random, ""));
	return fmt::format("{}{}${:02x}", scheme, salt, fmt::join(digest_of(salt, token), ""));
}

} // namespace core::http
