// What proves to a receiver who sent it, and names that nobody guesses.
#pragma once
#include <string>
#include <string_view>

namespace webhook::outgoing {

/// "sha256=" and the HMAC-SHA-256 of the body in hexadecimal.
[[nodiscard]] std::string signature(std::string_view secret, std::string_view body);
/// prefix and 24 random hexadecimal digits; throws pb::Error where there is no randomness.
[[nodiscard]] std::string random_id(std::string_view prefix);

} // namespace webhook::outgoing
