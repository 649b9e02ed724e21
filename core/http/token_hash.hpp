// The form in which tokens stand in the configuration: "sha256$SALT$HEX".
//
// Plain salted SHA-256, on purpose: tokens are random (256 bits where we suggest them), so nothing is gained by a slow
// hash against guessing, and a slow one would hold the loop for each request or invite its exhaustion. The salt keeps equal
// tokens in two files from looking alike. A password that a person has chosen does not belong here; hash_token's caller warns.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace core::http {

class TokenHash final {
public:
	static constexpr std::size_t usual_length = 24; // shorter tokens can be guessed: `patchbayd --hash-token` says so
	/// Nothing where the text has not this form.
	[[nodiscard]] static std::optional<TokenHash> parse(std::string_view text);
	/// Takes as long whatever differs. False where the token is empty.
	[[nodiscard]] bool is_of(std::string_view token) const;

private:
	std::string salt;
	std::array<std::uint8_t, 32> digest{};
};

/// A new hash of `token`, with a random salt: what `patchbayd --hash-token` prints.
[[nodiscard]] std::string hash_token(std::string_view token);

} // namespace core::http
