#include "known.hpp"

#include <fmt/format.h>

namespace webhook {

namespace {
constexpr std::array topics{
	"core/plugins", "core/http", "gps/fix", "gps/link", "gps/devices", "kismet/link", "kismet/summary", "csv/file", "netif/summary", "ports/table", "procs/*"};

const json_t *find(const json_t *list, std::string_view name) noexcept
{
	std::size_t i;
	json_t *entry;
	json_array_foreach(const_cast<json_t *>(list), i, entry)
		if (pb::text_at(entry, "name") == name) return entry;
	return nullptr;
}
} // namespace

Known::Known(pb::Scope &scope)
{
	for (const char *topic : topics)
		subscriptions.push_back(std::make_unique<pb::Subscription>(scope, topic, pb::bind<&Known::on_value>(this), std::uint32_t{PB_UNWATCHED}));
}

void Known::on_value(const pb_value &value) noexcept
{
	pb::Json &kept = values[value.topic];
	kept = value.json ? pb::Json::share(value.json) : pb::Json();
	++changes;
	for (const OnChange &listener : listeners) listener(value.topic);
}

const json_t *Known::at(std::string_view topic) const noexcept
{
	const auto i = values.find(topic);
	return i == values.end() ? nullptr : i->second.get();
}

const json_t *Known::plugin(std::string_view name) const noexcept { return find(pb::at(at("core/plugins"), "plugins"), name); }
const json_t *Known::port(std::string_view name) const noexcept { return find(pb::at(at("ports/table"), "ports"), name); }

bool Known::runs(std::string_view name) const noexcept { return pb::text_at(plugin(name), "state") == "running"; }

std::string Known::why_not(std::string_view name) const
{
	const json_t *p = plugin(name);
	if (!p) return fmt::format("plugin {} is not installed", name);
	const std::string_view state = pb::text_at(p, "state"), reason = pb::text_at(p, "reason");
	return fmt::format("plugin {} {} {}{}{}", name, state == "failed" ? "has" : "is", state, reason.empty() ? "" : ": ", reason);
}

pb::Error Known::unavailable(std::string_view name) const
{
	return {503, "SERVICE_UNAVAILABLE", fmt::format("{}; see GET /api/webhook/plugins", why_not(name)), {{"plugin", name}}};
}

bool Known::is_kismet_up() const noexcept { return pb::text_at(at("kismet/link"), "state") == "up"; }

/// Its own topic tells of it at once; the summary of all is told of a little later.
bool Known::is_process_up(std::string_view name) const noexcept
{
	const std::string_view state = pb::text_at(at("procs/" + std::string(name)), "state");
	return state == "running" || state == "ready";
}

bool Known::is_kismet_seen() const noexcept
{
	const std::string_view link = pb::text_at(at("kismet/link"), "state");
	return link == "up" || link == "starting" || link == "unauthorized" || link == "unhealthy";
}

bool Known::is_gpsd_seen() const noexcept { return pb::text_at(at("gps/link"), "state") == "up"; }

bool Known::is_kismet_there() const noexcept { return is_kismet_seen() || is_process_up("kismet"); }

bool Known::is_gpsd_there() const noexcept { return is_gpsd_seen() || is_process_up("gpsd"); }

bool Known::is_wigle_there() const noexcept { return is_process_up("wigletotak") || pb::text_at(port("wigletotak"), "state") == "ok"; }

} // namespace webhook
