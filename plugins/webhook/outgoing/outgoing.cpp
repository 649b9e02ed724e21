#include "outgoing.hpp"

#include "../text.hpp"
#include "sign.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace webhook::outgoing {

namespace {
constexpr std::size_t longest_body = 64 << 10;
constexpr pb::RouteOptions admins(const char *help) { return {.help = help, .flags = PB_ROUTE_NO_STORE, .role = PB_ADMIN}; }

pb::Error invalid(const char *field, const std::string &message, const std::string &value)
{
	pb::Json details = pb::Json::array();
	details.push({{"field", field}, {"message", message}, {"value", value}});
	return {400, "VALIDATION_ERROR", fmt::format("Invalid request parameters: {} {}", field, message), std::move(details)};
}

std::string body_of(const std::string &id, const char *event, pb::Json data)
{
	return pb::Json{{"id", id}, {"event", event}, {"timestamp", iso_now()}, {"data", std::move(data)}}.text();
}
} // namespace

Outgoing::Outgoing(pb::Scope &scope_, Known &known_, Settings settings_)
	: scope(scope_), known(known_), settings(std::move(settings_)), trust(std::make_shared<Trust>(settings.ca_file)), resolver(scope, trust),
	  news(scope, [this](const char *event, pb::Json data) { tell(event, std::move(data)); }),
	  configure_route(scope, "POST configure", pb::bind<&Outgoing::on_configure>(this), admins("add an outgoing webhook")),
	  list_route(scope, "GET /api/webhooks", pb::bind<&Outgoing::on_list>(this), admins("the outgoing webhooks")),
	  list_route_too(scope, "GET /api/webhook", pb::bind<&Outgoing::on_list>(this), admins("the outgoing webhooks")),
	  delete_route(scope, "DELETE wh_{id}", pb::bind<&Outgoing::on_delete>(this), admins("remove an outgoing webhook, and what waits for it")),
	  dead_route(scope, "GET wh_{id}/dead", pb::bind<&Outgoing::on_dead>(this), admins("the newest events that could not be delivered")),
	  test_route(scope, "POST wh_{id}/test", pb::bind<&Outgoing::on_test>(this), admins("queue an event for this webhook; answered once it is kept"))
{
	rules.allows_link_local = std::ranges::find(settings.allow, "link-local") != settings.allow.end();
	rules.allows_self = std::ranges::find(settings.allow, "self") != settings.allow.end();
	known_.tell([this](std::string_view topic) {
		if (topic == "core/http") take_ports();
	});
	take_ports();
	load();
}

/// Our own listeners: where a delivery would come back to us.
void Outgoing::take_ports()
{
	rules.own_ports.clear();
	for (const char *kind : {"listen", "further"}) {
		std::size_t i;
		json_t *l;
		json_array_foreach(const_cast<json_t *>(pb::at(known.at("core/http"), kind)), i, l) {
			const std::string_view text = pb::text_of(l);
			const std::size_t colon = text.rfind(':');
			std::uint16_t port = 0;
			if (text.starts_with("unix:") || colon == std::string_view::npos) continue;
			if (std::from_chars(text.data() + colon + 1, text.data() + text.size(), port).ec == std::errc()) rules.own_ports.insert(port);
		}
	}
}

void Outgoing::load()
{
	scope.list("outgoing/hook/", [this](const pb::Result &r) {
		if (!r.ok()) scope.error("outgoing webhooks cannot be read", {{"reason", r.error()->text}});
		const char *key;
		json_t *kept;
		json_object_foreach(const_cast<json_t *>(r.ok() ? r.json() : nullptr), key, kept) {
			auto hook = Hook::from(kept);
			if (hook) add(std::move(*hook));
			else scope.error("an outgoing webhook cannot be read", {{"document", key}});
		}
		is_loaded = true;
		follow();
		for (const auto &then : std::exchange(waiting, {})) then();
	});
}

void Outgoing::when_loaded(std::function<void()> then)
{
	if (is_loaded) then();
	else waiting.push_back(std::move(then));
}

void Outgoing::add(Hook hook)
{
	const std::string id = hook.id;
	endpoints.emplace(id, std::make_unique<Endpoint>(Sender::Shared{scope, resolver, *trust, rules}, settings, std::move(hook)));
}

/// Looks at what somebody wants to hear of, and no more.
void Outgoing::follow()
{
	std::set<std::string> wanted;
	for (const auto &[id, e] : endpoints)
		for (const char *event : event_names)
			if (e->about().is_enabled && e->about().wants(event)) wanted.insert(event);
	news.want(wanted);
}

void Outgoing::tell(const char *event, pb::Json data)
{
	std::string body;
	try {
		body = body_of(random_id("ev_"), event, std::move(data));
	} catch (const std::exception &e) {
		return scope.error("an event cannot be told", {{"reason", e.what()}});
	}
	if (body.size() > longest_body) return scope.warn("an event is too large for webhooks", {{"event", event}, {"bytes", body.size()}});
	for (const auto &[id, e] : endpoints)
		if (e->about().is_enabled && e->about().wants(event)) e->add(event, body, {});
}

int Outgoing::free_slot() const
{
	for (int slot = 0; slot < most_hooks; ++slot) {
		const bool is_used = std::ranges::any_of(endpoints, [slot](const auto &e) { return e.second->about().slot == slot; });
		if (!is_used && std::ranges::find(leaving, slot) == leaving.end()) return slot;
	}
	throw pb::Error(409, "TOO_MANY_WEBHOOKS", fmt::format("there are {} outgoing webhooks already; delete one first", most_hooks));
}

/// An address that is written is looked at now; what a name stands for, when it is connected to.
void Outgoing::check_url(const std::string &text, Url &out) const
{
	std::string flaw;
	auto url = Url::parse(text, flaw);
	if (!url) throw invalid("url", flaw, text);
	if (const auto p = Place::literal(url->host, url->port))
		if (const std::string why = p->refusal(rules); !why.empty()) throw invalid("url", "cannot be used: " + why, text);
	out = std::move(*url);
}

void Outgoing::with_endpoint(const ById &path, pb::Request request, std::function<void(Endpoint &, std::shared_ptr<pb::Request>)> then)
{
	const auto asked = std::make_shared<pb::Request>(std::move(request)); // shared: what waits is copied
	when_loaded([this, id = "wh_" + path.id, asked, then = std::move(then)] {
		const auto i = endpoints.find(id);
		if (i != endpoints.end()) return then(*i->second, asked);
		asked->fail(404, "NOT_FOUND", fmt::format("no outgoing webhook {}; GET /api/webhooks lists them", pb::utf8(id)));
	});
}

void Outgoing::on_configure(const pb::None &, const pb::None &, const ConfigureBody &body, pb::Request &&request)
{
	Hook hook;
	check_url(body.url, hook.to);
	for (const auto &[name, value] : body.headers)
		if (const std::string flaw = flaw_of_header(name, value); !flaw.empty())
			throw invalid("headers", fmt::format("{} {}", pb::utf8(name.substr(0, 64)), flaw), name);
	hook.id = random_id("wh_");
	hook.url = body.url;
	hook.events = body.events;
	hook.is_enabled = body.is_enabled;
	hook.headers = body.headers;
	hook.secret = body.secret.value_or("");
	hook.created = pb::unix_ms();
	const auto later = std::make_shared<std::pair<Hook, pb::Request>>(std::move(hook), std::move(request)); // shared: what waits is copied
	when_loaded([this, later] {
		auto &[h, r] = *later;
		try {
			h.slot = free_slot();
		} catch (const pb::Error &e) {
			return r.fail(e.status, e.code, e.what());
		}
		leaving.push_back(h.slot); // ours, from here on
		scope.put(
			Endpoint::document(h.id).c_str(), h.kept(),
			[this, later](const pb::Result &kept) {
				auto &[made, asked] = *later;
				std::erase(leaving, made.slot);
				if (!kept.ok()) return asked.fail(*kept.error());
				pb::Json shown = made.shown();
				scope.info("an outgoing webhook is configured", {{"webhook", made.id}, {"to", made.to.origin}, {"by", asked.caller().name}});
				add(std::move(made));
				follow();
				asked.json(201, stamped({{"success", true}, {"message", "Webhook configured successfully"}, {"webhook", std::move(shown)}}));
			},
			PB_DURABLE);
	});
}

void Outgoing::on_list(const pb::None &, const ListQuery &query, const pb::None &, pb::Request &&request)
{
	const auto later = std::make_shared<std::pair<ListQuery, pb::Request>>(query, std::move(request)); // shared: what waits is copied
	when_loaded([this, later] {
		const ListQuery &q = later->first;
		std::vector<const Endpoint *> found;
		for (const auto &[id, e] : endpoints) {
			const Hook &h = e->about();
			if ((!q.is_enabled || *q.is_enabled == h.is_enabled) && (!q.event || h.wants(*q.event))) found.push_back(e.get());
		}
		std::ranges::sort(found, {}, [](const Endpoint *e) { return std::pair(e->about().created, std::string_view(e->about().id)); });
		pb::Json list = pb::Json::array();
		for (const Endpoint *e : found) list.push(e->shown());
		later->second.json(200, stamped({{"success", true}, {"webhooks", std::move(list)}, {"total", found.size()}}));
	});
}

void Outgoing::on_delete(const ById &path, const pb::None &, const pb::None &, pb::Request &&request)
{
	with_endpoint(path, std::move(request), [this](Endpoint &e, const std::shared_ptr<pb::Request> &asked) {
		const auto i = endpoints.find(e.about().id);
		const auto gone = std::shared_ptr<Endpoint>(std::move(i->second)); // shared: until its going is kept
		endpoints.erase(i);
		follow();
		leaving.push_back(gone->about().slot);
		gone->forget([this, asked, gone](const pb::Result &r) {
			const Hook &h = gone->about();
			std::erase(leaving, h.slot);
			if (!r.ok()) return asked->fail(*r.error());
			scope.info("an outgoing webhook is deleted", {{"webhook", h.id}, {"to", h.to.origin}});
			pb::Json which{{"id", h.id}, {"url", h.url}};
			asked->json(200, stamped({{"success", true}, {"message", "Webhook deleted successfully"}, {"webhook", std::move(which)}}));
		});
	});
}

void Outgoing::on_dead(const ById &path, const pb::None &, const pb::None &, pb::Request &&request)
{
	with_endpoint(path, std::move(request), [this](Endpoint &endpoint, const std::shared_ptr<pb::Request> &asked) {
		scope.read(endpoint.letters_journal().c_str(), 0, Endpoint::most_letters, [asked, total = endpoint.about().dead](const pb::Result &r) {
			if (!r.ok()) return asked->fail(*r.error());
			pb::Json letters = pb::Json::array();
			std::size_t n;
			json_t *e;
			json_array_foreach(const_cast<json_t *>(r.json()), n, e) {
				const json_t *v = pb::at(e, "value");
				letters.push({{"event", pb::Json::parse(pb::text_at(v, "body"))}, {"tries", pb::integer_at(v, "tries")}, {"error", pb::text_at(v, "error")},
					{"buriedAt", iso_time(pb::integer_at(e, "time"))}});
			}
			asked->json(200, stamped({{"success", true}, {"letters", std::move(letters)}, {"total", total}}));
		});
	});
}

void Outgoing::on_test(const ById &path, const pb::None &, const TestBody &body, pb::Request &&request)
{
	const std::string id = random_id("ev_"), text = body_of(id, "test", body.data ? pb::Json::share(body.data->get()) : pb::Json(nullptr));
	if (text.size() > longest_body) throw pb::Error(413, "", fmt::format("an event has at most {} bytes", longest_body));
	with_endpoint(path, std::move(request), [id, text](Endpoint &e, const std::shared_ptr<pb::Request> &asked) {
		e.add("test", text, [asked, id](bool is_committed) {
			if (is_committed) asked->json(202, stamped({{"success", true}, {"message", "Event queued"}, {"id", id}}));
			else asked->fail(507, "QUEUE_FULL", "the event is not taken: too much waits for this webhook already, or the state cannot be written");
		});
	});
}

} // namespace webhook::outgoing
