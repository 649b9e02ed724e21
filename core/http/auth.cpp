#include "http/auth.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>

namespace core::http {

namespace {
constexpr const char *challenge = "Bearer realm=\"patchbay\"";
constexpr const char *challenge_invalid = "Bearer realm=\"patchbay\", error=\"invalid_token\"";

bool starts_with_word(std::string_view text, std::string_view word) noexcept
{
	return text.size() > word.size() && text[word.size()] == ' ' &&
		   std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + ('a' - 'A') : b); });
}
} // namespace

std::optional<int> parse_role(std::string_view text) noexcept
{
	if (text == "viewer") return PB_VIEWER;
	if (text == "operator") return PB_OPERATOR;
	if (text == "admin") return PB_ADMIN;
	return {};
}

const char *role_name(int role) noexcept
{
	switch (role) {
	case PB_VIEWER: return "viewer";
	case PB_OPERATOR: return "operator";
	case PB_ADMIN: return "admin";
	case PB_PUBLIC: return "public";
	default: return "none";
	}
}

Result<std::unique_ptr<Auth>> Auth::make(const config::Core::Auth &settings)
{
	std::unique_ptr<Auth> out(new Auth);
	out->wants_tokens = settings.mode == "token";
	out->own = geteuid();
	for (const config::Token &token : settings.tokens) {
		const auto role = parse_role(token.role);
		auto hash = TokenHash::parse(token.hash);
		if (!role)
			return fail(fmt::format("[auth] tokens: \"{}\": role \"{}\" is none of viewer, operator, admin", pb::utf8(token.name), pb::utf8(token.role)), 400);
		if (!hash)
			return fail(
				fmt::format("[auth] tokens: \"{}\": hash is not one that `patchbayd --hash-token` prints (sha256$SALT$HEX)", pb::utf8(token.name)), 400);
		out->tokens.push_back({token.name, std::move(*hash), *role});
	}
	return out;
}

std::string_view Auth::given(const Asking &asking) noexcept
{
	std::string_view token = asking.api_key;
	if (starts_with_word(asking.authorization, "bearer")) token = asking.authorization.substr(7);
	while (!token.empty() && token.front() == ' ') token.remove_prefix(1);
	while (!token.empty() && token.back() == ' ') token.remove_suffix(1);
	return token;
}

// All are compared, whichever fits: the time tells nothing of which.
const Auth::Known *Auth::find(std::string_view token) const
{
	const Known *found = nullptr;
	for (const Known &known : tokens)
		if (known.hash.is_of(token)) found = &known;
	return found;
}

Auth::Refusal Auth::identify(const Asking &asking, Caller &caller, RateLimit::Clock::time_point now)
{
	if (asking.peer) {
		const bool is_own = *asking.peer == 0 || *asking.peer == own;
		caller = {is_own ? PB_ADMIN : PB_VIEWER, *asking.peer == 0 ? "root" : is_own ? "daemon" : "local"};
		if (is_own) return {};
	} else if (!wants_tokens) {
		caller = {PB_ADMIN, ""};
		return {};
	}
	const std::string_view token = given(asking);
	if (token.empty() || tokens.empty()) {
		if (asking.peer || !token.empty()) return {}; // a peer needs none; without any configured none can be right
		return {401, challenge, {}, "a token is needed: Authorization: Bearer TOKEN, or X-API-Key: TOKEN"};
	}
	const Address from = asking.client.value_or(Address());
	if (const auto wait = failures.look(from, now); wait.count() > 0)
		return {429, nullptr, wait, fmt::format("too many wrong tokens; try again in {} s", wait.count())};
	const Known *known = find(token);
	if (!known) {
		(void)failures.take(from, now);
		return {401, challenge_invalid, {}, "the token is not known"};
	}
	if (known->role > caller.role) caller = {known->role, known->name.c_str(), true};
	return {};
}

Auth::Refusal Auth::check(const Asking &asking, int needed, Caller &caller, RateLimit::Clock::time_point now)
{
	caller = {};
	Refusal refusal = identify(asking, caller, now);
	if (needed == PB_PUBLIC) return {};
	if (refusal) return refusal;
	if (caller.role >= needed) return {};
	if (caller.role == PB_ROLE_DEFAULT) return {401, challenge_invalid, {}, "the token is not known"};
	return {403, nullptr, {},
		fmt::format("this needs the role {}, {} has {}", role_name(needed), *caller.name ? caller.name : "the caller", role_name(caller.role))};
}

} // namespace core::http
