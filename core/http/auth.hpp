// Who asks and what they may do: tokens, Unix peers, roles ([auth] in patchbay.toml).
#pragma once
#include "config/config.hpp"
#include "http/rate_limit.hpp"
#include "http/token_hash.hpp"

#include <patchbay/plugin.h>

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace core::http {

/// Whom a request comes from. name points into Auth, or is static.
struct Caller {
	int role = PB_ROLE_DEFAULT; // below viewer: nobody in particular
	const char *name = "";
	bool is_token = false; // a token said so
};

/// mode "none": everybody is admin. mode "token": by bearer token or X-API-Key. On a Unix socket, in both modes, the peer's
/// user decides: root and the daemon's own user are admin, everybody else is viewer, or what a token says. Loop thread.
class Auth final {
public:
	struct Asking {
		std::optional<Address> client; // nothing: unknown (a Unix socket)
		std::optional<uid_t> peer;     // a Unix socket's peer, unless it is a trusted proxy
		std::string_view authorization, api_key;
	};
	struct Refusal {
		int status = 0;                  // 401, 403 or 429; 0: none
		const char *challenge = nullptr; // WWW-Authenticate
		std::chrono::seconds retry_after{};
		std::string text;
		explicit operator bool() const noexcept { return status != 0; }
	};

	/// An error names the token whose hash or role is not one.
	[[nodiscard]] static Result<std::unique_ptr<Auth>> make(const config::Core::Auth &settings);

	/// needed: a route's role. caller is filled in also where a public route asks.
	[[nodiscard]] Refusal check(const Asking &asking, int needed, Caller &caller, RateLimit::Clock::time_point now = RateLimit::Clock::now());
	[[nodiscard]] bool is_open() const noexcept { return !wants_tokens; }

private:
	struct Known {
		std::string name;
		TokenHash hash;
		int role;
	};
	Auth() : failures(failures_a_minute, 4096) {}
	/// The token that a header carries, else empty.
	[[nodiscard]] static std::string_view given(const Asking &asking) noexcept;
	[[nodiscard]] const Known *find(std::string_view token) const;
	[[nodiscard]] Refusal identify(const Asking &asking, Caller &caller, RateLimit::Clock::time_point now);

	static constexpr int failures_a_minute = 10;
	bool wants_tokens = false;
	uid_t own = 0; // the daemon's user
	std::vector<Known> tokens;
	RateLimit failures;
};

[[nodiscard]] std::optional<int> parse_role(std::string_view text) noexcept;
[[nodiscard]] const char *role_name(int role) noexcept;

} // namespace core::http
