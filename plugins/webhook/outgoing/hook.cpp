#include "hook.hpp"

#include "../text.hpp"

#include <algorithm>

namespace webhook::outgoing {

namespace {
pb::Json list_of(const std::vector<std::string> &entries)
{
	pb::Json out = pb::Json::array();
	for (const std::string &e : entries) out.push(e);
	return out;
}
} // namespace

bool Hook::wants(std::string_view event) const noexcept
{
	return std::ranges::any_of(events, [event](const std::string &e) { return e == "all" || e == event; });
}

pb::Json Hook::kept() const
{
	pb::Json own = pb::Json::object();
	for (const auto &[name, value] : headers) own.set(name.c_str(), value);
	pb::Json out{{"id", id}, {"slot", slot}, {"url", url}, {"events", list_of(events)}, {"enabled", is_enabled}, {"headers", std::move(own)}};
	out.set("secret", secret).set("created", created).set("delivered", delivered).set("failed", failed).set("dead", dead).set("dropped", dropped);
	out.set("last_error", last_error).set("entry", entry).set("due", due).set("tries", tries);
	if (last_triggered) out.set("last_triggered", *last_triggered);
	return out;
}

std::optional<Hook> Hook::from(const json_t *j)
{
	Hook h;
	h.id = pb::text_at(j, "id");
	h.slot = static_cast<int>(pb::integer_at(j, "slot", -1));
	h.url = pb::text_at(j, "url");
	std::string flaw;
	auto to = Url::parse(h.url, flaw);
	if (h.id.empty() || h.slot < 0 || !to) return {};
	h.to = std::move(*to);
	pb::read_value(pb::at(j, "events"), h.events);
	pb::read_value(pb::at(j, "headers"), h.headers);
	h.is_enabled = pb::bool_at(j, "enabled");
	h.secret = pb::text_at(j, "secret");
	h.created = pb::integer_at(j, "created");
	if (pb::at(j, "last_triggered")) h.last_triggered = pb::integer_at(j, "last_triggered");
	h.delivered = pb::integer_at(j, "delivered");
	h.failed = pb::integer_at(j, "failed");
	h.dead = pb::integer_at(j, "dead");
	h.dropped = pb::integer_at(j, "dropped");
	h.last_error = pb::text_at(j, "last_error");
	h.entry = pb::integer_at(j, "entry");
	h.due = pb::integer_at(j, "due");
	h.tries = static_cast<int>(pb::integer_at(j, "tries"));
	return h;
}

pb::Json Hook::shown() const
{
	pb::Json own = pb::Json::object();
	for (const auto &[name, value] : headers) own.set(name.c_str(), is_secret_header(name) ? std::string("***") : value);
	return {{"id", id}, {"url", url}, {"events", list_of(events)}, {"enabled", is_enabled}, {"headers", std::move(own)}, {"createdAt", iso_time(created)},
		{"lastTriggered", last_triggered ? pb::Json(iso_time(*last_triggered)) : pb::Json(nullptr)}, {"triggerCount", delivered}};
}

} // namespace webhook::outgoing
