// newDevice and alert: what comes up in the air, and incidents, while somebody wants to hear of it.
#pragma once
#include "feed.hpp"
#include "known.hpp"

#include <deque>
#include <optional>
#include <set>
#include <string>

namespace webhook {

/// Looks at the topics of kismet, csv, recovery and netif only while it is wanted: looking makes Kismet be asked more often. Loop thread.
class AirNews final {
public:
	AirNews(pb::Scope &scope, const Known &known, Feed &feed);

private:
	void on_wanted(unsigned kinds) noexcept;
	void on_kismet(const pb_value &value) noexcept;
	void on_log(const pb_value &value) noexcept;
	void tell_devices(const pb_value &value);
	void on_alerts(const pb_value &value) noexcept;
	void take_alerts(const json_t *list, bool is_news);
	void on_incidents(const pb_value &value) noexcept;
	void on_netif(const pb_value &value) noexcept;
	[[nodiscard]] static bool is_old(const pb_value &value, std::int64_t since_ms) noexcept;

	pb::Scope &scope;
	const Known &known;
	Feed &feed;
	unsigned kinds = 0;
	std::int64_t devices_since = 0, alerts_since = 0, incidents_since = 0; // unix ms; kept values from before are no news
	bool is_asking_alerts = false;
	std::set<std::string> alerts;                  // that are known, of the newest
	std::map<std::int64_t, std::string> incidents; // id → state
	std::optional<pb::Subscription> kismet, log, alert, incident, netif;
};

} // namespace webhook
