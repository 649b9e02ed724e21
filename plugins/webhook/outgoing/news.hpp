// What happens, as events for outgoing webhooks: made of the topics of other plugins, of which only those are looked at that
// somebody has asked for.
#pragma once
#include "seen.hpp"

#include <patchbay/patchbay.hpp>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace webhook::outgoing {

/// What was so before it began to look is no news. Loop thread.
class News final {
public:
	using Tell = std::function<void(const char *event, pb::Json data)>;
	News(pb::Scope &scope_, Tell tell_) : scope(scope_), tell(std::move(tell_)) {}
	News(const News &) = delete;
	News &operator=(const News &) = delete;

	/// Which events somebody wants.
	void want(const std::set<std::string> &events);

private:
	struct Look { // one subscription, and since when
		Look(News &news, const char *pattern, pb::Bound<const pb_value &> on_value, uint32_t flags);
		std::int64_t since;
		pb::Subscription subscription;
	};
	struct Running { // a process as it was last told of
		std::string state;
		std::int64_t pid;
	};
	void look(std::unique_ptr<Look> &at, bool is_wanted, const char *pattern, pb::Bound<const pb_value &> on_value, uint32_t flags = 0);
	void on_process(const pb_value &value) noexcept;
	void on_kismet(const pb_value &value) noexcept;
	void on_csv(const pb_value &value) noexcept;
	void on_alerts(const pb_value &value) noexcept;
	void on_incidents(const pb_value &value) noexcept;
	void tell_process(const json_t *entry, bool was_up);
	void tell_devices(const json_t *added, const char *source);

	pb::Scope &scope;
	const Tell tell;
	std::map<std::string, Running, std::less<>> processes;
	std::map<std::string, std::string, std::less<>> incidents; // state by id, of those that are listed now
	Seen devices{20'000}, alerts{1'000};
	bool has_status = false, has_scripts = false; // which of the two the processes are looked at for
	std::unique_ptr<Look> procs_look, kismet_look, csv_look, alerts_look, recovery_look;
};

} // namespace webhook::outgoing
