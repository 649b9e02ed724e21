#include "health.hpp"

#include "machine.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <charconv>

namespace webhook {

Health::Health(pb::Scope &scope_, const Known &known_, std::function<std::size_t()> clients_, std::map<std::string, Clear, std::less<>> caches_)
	: scope(scope_), known(known_), clients(std::move(clients_)), caches(std::move(caches_)),
	  health_route(scope_, "GET health", pb::bind<&Health::on_health>(this), {.help = "what works and what does not", .flags = PB_ROUTE_NO_STORE}),
	  flat_route(scope_, "GET /health", pb::bind<&Health::on_flat>(this), {.help = "the daemon in short", .flags = PB_ROUTE_NO_STORE, .role = PB_PUBLIC}),
	  clear_route(scope_, "POST cache/clear", pb::bind<&Health::on_clear>(this), {.help = "forget kept replies"})
{}

pb::Json Health::checks(bool &is_whole) const
{
	const bool has_procs = known.runs("procs"), has_kismet = known.is_kismet_up();
	pb::Json out{{"scriptManager", has_procs}, {"kismetClient", has_kismet}, {"cache", true}};
	is_whole = has_procs && has_kismet;
	std::size_t i;
	json_t *p;
	json_array_foreach(pb::at(known.at("core/plugins"), "plugins"), i, p) {
		const bool is_running = pb::text_at(p, "state") == "running";
		is_whole = is_whole && is_running;
		out.set(std::string(pb::text_at(p, "name")).c_str(), is_running);
	}
	return out;
}

/// An open door is said as often as somebody asks how we are.
pb::Json Health::warnings() const
{
	const json_t *w = pb::at(known.at("core/http"), "warnings");
	return json_array_size(w) == 0 ? pb::Json() : pb::Json::share(w);
}

void Health::on_health(const pb::None &, const pb::None &, const pb::None &, pb::Request request)
{
	bool is_whole = false;
	pb::Json all = checks(is_whole);
	pb::Json out{{"success", true}, {"service", "webhook"}, {"status", is_whole ? "healthy" : "degraded"}, {"checks", std::move(all)}};
	if (pb::Json w = warnings()) out.set("warnings", std::move(w));
	request.json(200, stamped(std::move(out)));
}

/// Of the first listener that has one.
pb::Json Health::port() const
{
	std::size_t i;
	json_t *l;
	json_array_foreach(pb::at(known.at("core/http"), "listen"), i, l) {
		const std::string_view text = pb::text_of(l);
		const std::size_t colon = text.rfind(':');
		int number = 0;
		if (!text.starts_with("unix:") && colon != std::string_view::npos &&
			std::from_chars(text.data() + colon + 1, text.data() + text.size(), number).ec == std::errc())
			return number;
	}
	return nullptr;
}

void Health::on_flat(const pb::None &, const pb::None &, const pb::None &, pb::Request request)
{
	bool is_whole = false;
	(void)checks(is_whole);
	request.json(200, stamped({{"status", is_whole ? "healthy" : "degraded"}, {"service", "webhook"}, {"uptime", own_uptime()}, {"memory", own_memory()},
						  {"port", port()}, {"version", scope.host->version}, {"connected_clients", clients()}}));
}

void Health::on_clear(const pb::None &, const pb::None &, const ClearBody &body, pb::Request request)
{
	if (body.key.empty()) {
		for (const auto &[name, clear] : caches) clear();
		return request.json(200, stamped({{"success", true}, {"message", "Cache cleared"}}));
	}
	const auto i = caches.find(body.key);
	if (i != caches.end()) i->second();
	request.json(200, stamped({{"success", true}, {"message", i != caches.end() ? fmt::format("Cache cleared for key: {}", body.key)
																				: fmt::format("Nothing is kept for key: {}", pb::utf8(body.key))}}));
}

} // namespace webhook
