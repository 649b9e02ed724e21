#include "air_news.hpp"

#include "text.hpp"

#include <memory>

namespace webhook {

namespace {
constexpr std::size_t shown_alerts = 20; // of the topic

/// Time first, so that the last one is the newest.
std::string key_of(const json_t *alert)
{
	std::string key(pb::text_at(alert, "timestamp"));
	return key.append(" ").append(pb::text_at(alert, "id"));
}
} // namespace

AirNews::AirNews(pb::Scope &scope_, const Known &known_, Feed &feed_) : scope(scope_), known(known_), feed(feed_)
{
	feed.on_wanted(pb::bind<&AirNews::on_wanted>(this));
}

void AirNews::on_wanted(unsigned now) noexcept
{
	const unsigned before = std::exchange(kinds, now);
	const auto begins = [&](unsigned kind) { return (now & kind) != 0 && (before & kind) == 0; };
	const auto ends = [&](unsigned kind) { return (now & kind) == 0 && (before & kind) != 0; };
	if (begins(feed_devices)) {
		devices_since = pb::unix_ms();
		kismet.emplace(scope, "kismet/changes", pb::bind<&AirNews::on_kismet>(this));
		log.emplace(scope, "csv/changes", pb::bind<&AirNews::on_log>(this));
	} else if (ends(feed_devices)) {
		kismet.reset();
		log.reset();
	}
	if (begins(feed_alerts)) {
		alerts_since = pb::unix_ms();
		alerts.clear();
		alert.emplace(scope, "kismet/alerts", pb::bind<&AirNews::on_alerts>(this));
	} else if (ends(feed_alerts)) {
		alert.reset();
	}
	if (begins(feed_incidents)) {
		incidents_since = pb::unix_ms();
		incidents.clear();
		incident.emplace(scope, "recovery/incidents", pb::bind<&AirNews::on_incidents>(this));
		netif.emplace(scope, "netif/incident", pb::bind<&AirNews::on_netif>(this));
	} else if (ends(feed_incidents)) {
		incident.reset();
		netif.reset();
	}
}

bool AirNews::is_old(const pb_value &value, std::int64_t since_ms) noexcept { return value.time_ms < since_ms; }

void AirNews::on_kismet(const pb_value &value) noexcept
{
	if (value.json && !is_old(value, devices_since)) tell_devices(value);
}

/// Kismet's log tells the same as Kismet: it is heard where Kismet is not.
void AirNews::on_log(const pb_value &value) noexcept
{
	if (value.json && !is_old(value, devices_since) && !known.is_kismet_up()) tell_devices(value);
}

void AirNews::tell_devices(const pb_value &value)
{
	const std::string now = iso_time(value.time_ms);
	std::size_t i;
	json_t *d;
	json_array_foreach(pb::at(value.json, "added"), i, d)
		feed.tell(feed_devices, "newDevice",
			{{"mac", or_null(pb::at(d, "mac"))}, {"type", or_null(pb::at(d, "type"))}, {"signal", or_null(pb::at(pb::at(d, "signal"), "last"))},
				{"timestamp", now}});
}

/// The topic has the newest 20, the newest first. Where none of them is known, more may have come: Kismet's list has them.
void AirNews::on_alerts(const pb_value &value) noexcept
{
	const json_t *list = pb::at(value.json, "alerts");
	if (!list || is_asking_alerts) return;
	std::size_t known_ones = 0, i = 0;
	json_t *a = nullptr;
	json_array_foreach(const_cast<json_t *>(list), i, a) known_ones += alerts.contains(key_of(a)) ? 1 : 0;
	const bool has_gap = !is_old(value, alerts_since) && !alerts.empty() && known_ones == 0 && json_array_size(list) >= shown_alerts;
	if (!has_gap) return take_alerts(list, !is_old(value, alerts_since));
	is_asking_alerts = true;
	const std::string last = alerts.rbegin()->substr(0, alerts.rbegin()->find(' '));
	scope.call("kismet.alerts", {{"since", last}, {"limit", 1000}}, [this, shown = std::make_shared<pb::Json>(pb::Json::share(list))](const pb::Result &r) {
		is_asking_alerts = false;
		if ((kinds & feed_alerts) != 0) take_alerts(r.ok() ? pb::at(r.json(), "alerts") : shown->get(), true);
	});
}

/// Newest first; told of in their order.
void AirNews::take_alerts(const json_t *list, bool is_news)
{
	std::set<std::string> next;
	for (std::size_t i = json_array_size(list); i > 0; --i) {
		const json_t *a = json_array_get(list, i - 1);
		std::string key = key_of(a);
		if (is_news && !alerts.contains(key))
			feed.tell(feed_alerts, "alert",
				{{"id", or_null(pb::at(a, "id"))}, {"type", or_null(pb::at(a, "type"))}, {"severity", or_null(pb::at(a, "severity"))},
					{"message", or_null(pb::at(a, "message"))}});
		next.insert(std::move(key));
	}
	alerts = std::move(next);
}

/// An incident is news when it begins and when its state changes.
void AirNews::on_incidents(const pb_value &value) noexcept
{
	const json_t *list = pb::at(value.json, "incidents");
	std::map<std::int64_t, std::string> next;
	std::size_t i;
	json_t *x;
	json_array_foreach(const_cast<json_t *>(list), i, x) {
		const std::int64_t id = pb::integer_at(x, "id");
		const std::string state(pb::text_at(x, "state"));
		const auto before = incidents.find(id);
		if (!is_old(value, incidents_since) && (before == incidents.end() || before->second != state))
			feed.tell(feed_incidents, "incident", pb::Json::share(x));
		next.emplace(id, state);
	}
	if (list) incidents = std::move(next);
}

void AirNews::on_netif(const pb_value &value) noexcept
{
	if (value.json && !is_old(value, incidents_since)) feed.tell(feed_incidents, "incident", pb::Json::share(value.json));
}

} // namespace webhook
