#include "http/exposure.hpp"

#include "http/address.hpp"
#include "http/authority.hpp"

#include <fmt/format.h>

#include <utility>

namespace core::http {

namespace {
std::vector<std::string> exposed(std::vector<std::string> listeners)
{
	std::erase_if(listeners, [](const std::string &l) { return !is_exposed(l); });
	return listeners;
}
} // namespace

bool is_exposed(const std::string &listener)
{
	if (listener.starts_with("unix:")) return false;
	const auto at = parse_authority(listener);
	const auto address = at ? Address::parse(at->host) : std::nullopt;
	return !address || !address->is_loopback();
}

Result<void> check_exposure(const config::Core &core)
{
	const auto beyond = exposed(core.http.listen);
	if (beyond.empty() || core.auth.is_written) return {};
	return fail(fmt::format("[http] listen: {} can be reached from other machines, but nothing says who may come in; "
							"write [auth] mode = \"token\" with tokens (see `patchbayd --hash-token`), or mode = \"none\" to let everybody in",
					fmt::join(beyond, ", ")),
		400);
}

std::string exposure_warning(const config::Core &core, const std::vector<std::string> &further)
{
	auto all = core.http.listen;
	all.insert(all.end(), further.begin(), further.end());
	const auto beyond = exposed(std::move(all));
	if (beyond.empty() || core.auth.mode != "none") return {};
	return fmt::format(
		"[auth] mode is \"none\" and {} can be reached from other machines: everybody there may start, stop and change everything", fmt::join(beyond, ", "));
}

} // namespace core::http
