#include "http/settings.hpp"

#include "http/auth.hpp"
#include "http/authority.hpp"
#include "http/client_address.hpp"
#include "http/cors.hpp"
#include "http/host_check.hpp"

#include <fmt/format.h>

namespace core::http {

namespace {
/// The listeners that others than this machine can reach.
std::vector<std::string> exposed(const config::Core &core)
{
	std::vector<std::string> out;
	for (const std::string &listen : core.http.listen) {
		if (listen.starts_with("unix:")) continue;
		const auto at = parse_authority(listen);
		const auto address = at ? Address::parse(at->host) : std::nullopt;
		if (!address || !address->is_loopback()) out.push_back(listen);
	}
	return out;
}

template<typename T> void note(Result<T> checked, std::vector<Error> &out)
{
	if (!checked) out.push_back(std::move(checked.error()));
}
} // namespace

std::vector<Error> check_settings(const config::Core &core)
{
	std::vector<Error> out;
	note(Cors::parse(core.http.cors_origins), out);
	note(TrustedProxies::parse(core.http.trusted_proxies), out);
	note(HostCheck::parse(core.http.hostnames), out);
	note(Auth::make(core.auth), out);
	note(check_exposure(core), out);
	return out;
}

Result<void> check_exposure(const config::Core &core)
{
	const auto beyond = exposed(core);
	if (beyond.empty() || core.auth.is_written) return {};
	return fail(fmt::format("[http] listen: {} can be reached from other machines, but nothing says who may come in; "
	                        "write [auth] mode = \"token\" with tokens (see `patchbayd --hash-token`), or mode = \"none\" to let everybody in", fmt::join(beyond, ", ")), 400);
}

std::string exposure_warning(const config::Core &core)
{
	const auto beyond = exposed(core);
	if (beyond.empty() || core.auth.mode != "none") return {};
	return fmt::format("[auth] mode is \"none\" and {} can be reached from other machines: everybody there may start, stop and change everything", fmt::join(beyond, ", "));
}

} // namespace core::http
