#include "http/exposure.hpp"

#include "http/address.hpp"
#include "http/authority.hpp"

#include <fmt/format.h>

#include <vector>

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
} // namespace

Result<void> check_exposure(const config::Core &core)
{
	const auto beyond = exposed(core);
	if (beyond.empty() || core.auth.is_written) return {};
	return fail(fmt::format("[http] listen: {} can be reached from other machines, but nothing says who may come in; "
							"write [auth] mode = \"token\" with tokens (see `patchbayd --hash-token`), or mode = \"none\" to let everybody in",
					fmt::join(beyond, ", ")),
		400);
}

std::string exposure_warning(const config::Core &core)
{
	const auto beyond = exposed(core);
	if (beyond.empty() || core.auth.mode != "none") return {};
	return fmt::format(
		"[auth] mode is \"none\" and {} can be reached from other machines: everybody there may start, stop and change everything", fmt::join(beyond, ", "));
}

} // namespace core::http
