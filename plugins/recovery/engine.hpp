// The engine: from what is seen to incidents, and from incidents to attempts, one a class at a time.
#pragma once
#include "attempt.hpp"
#include "incident.hpp"
#include "world.hpp"

#include <patchbay/patchbay.hpp>

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace recovery {

/// Loop thread. Owns incidents and attempts.
class Engine final {
public:
	Engine(pb::Scope &scope, std::vector<Rule> rules, bool with_defaults);
	/// Reads what was under way before a restart, then begins to look.
	void begin();

	/// Tries at once, whatever back-off, limits and purpose say. 404, 409 as errors.
	const Incident &run(const std::string &name, std::int64_t id, const std::string &who);
	const Incident &acknowledge(std::int64_t id, const std::string &who);
	[[nodiscard]] const pb::Topic &topic() const noexcept { return shown; }

private:
	/// What is kept for a class.
	struct Care {
		Limiter limiter;
		std::unique_ptr<Attempt> attempt;
	};

	void on_loaded(const json_t *document);
	void on_history(const json_t *entries);
	void look();
	void on_value(const pb_value &v) noexcept;
	void on_event(const std::string &name, const json_t *value, std::uint64_t at);
	void on_good(const std::string &name);
	void on_tick() noexcept;

	enum class Consent { yes, later, no };
	[[nodiscard]] Consent may_open(const Rule &rule, const World::Topic &t, Ms now) const;
	void consider(const std::string &name, World::Topic &t, Ms now);
	Incident &open(const Rule &rule, const std::string &name, const std::string &topic, const std::string &reason, Ms now);
	void press(Incident &incident, Ms now);
	[[nodiscard]] std::string in_the_way(const Rule &rule) const;
	void start(Incident &incident, const Rule &rule, Ms now);
	void on_attempt(const std::string &name, bool is_well, const std::string &result);
	void give_up(Incident &incident, const std::string &why);
	void close(Incident &incident, Incident::State state, const std::string &how);
	[[nodiscard]] Incident *active(std::string_view name);
	[[nodiscard]] Incident *find(std::int64_t id);
	void changed() { save_timer.once(std::chrono::milliseconds(20)); }
	void wake(Ms at);
	void on_save() noexcept;

	pb::Scope &scope;
	const Rules rules;
	World world;
	std::map<std::string, Care> cares;
	std::list<Incident> incidents; // active ones, oldest first: addresses stay
	std::deque<Incident> past;     // the newest 100
	std::int64_t last_id = 0;
	std::uint64_t last_event = 0; // sequence number: events kept over a restart are not told twice
	Ms due = 0;
	pb::Topic shown;
	pb::Timer tick, save_timer;
	std::list<pb::Subscription> subscriptions;
};

} // namespace recovery
