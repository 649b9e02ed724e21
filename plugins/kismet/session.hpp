// The talk with Kismet: log in, ask for all once, then for what has changed; the event bus beside it; back-off when it fails.
//
//   resting → (resolve) → status → all devices → up: devices, sources, status, alerts by turns, one request at a time
#pragma once
#include "kismet/air.hpp"
#include "kismet/event_bus.hpp"
#include "kismet/http.hpp"
#include "kismet/intake.hpp"
#include "kismet/link.hpp"
#include "kismet/target.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace kismet {

/// Loop thread. Owns the link; fills an Air that somebody else owns.
class Session {
public:
	using Clock = std::chrono::steady_clock;
	using ms = std::chrono::milliseconds;
	struct Options {
		std::string url;
		Target target;
		std::string username, password, api_token, password_file;
		ms poll_interval{2000}, idle_interval{30000}, health_interval{30000}, timeout{5000};
		std::string process = "kismet";
		bool wants_events = true;
	};

	Session(pb::Scope &scope, Air &air, Options options, pb::Bound<> on_link);
	Session(const Session &) = delete;
	Session &operator=(const Session &) = delete;
	~Session();

	void start() noexcept { begin_attempt(); }
	[[nodiscard]] const Link &link() const noexcept { return state; }
	/// Somebody has just looked at a list: what is old is asked for anew, and for a while it is kept fresh.
	void look() noexcept;
	/// Somebody watches a topic; false: one less.
	void watch(bool begins) noexcept;
	/// Everything anew, now. Answered when it has come, or with 503 when it has not.
	void refresh(pb::Reply reply);

private:
	enum class Task { status, devices, alerts, sources, messages, count };
	static constexpr std::size_t tasks = static_cast<std::size_t>(Task::count);
	enum class Phase { resting, resolving, opening, up };
	struct Resolved {
		std::string address, trouble;
		std::optional<Credentials> credentials;
		bool is_unauthorized = false, is_own = false;
	};

	// attempts
	void begin_attempt() noexcept;
	[[nodiscard]] static Resolved resolve(const Options &o);
	void on_resolved(Resolved r);
	void fail(const Verdict &why);
	struct Diagnosis {
		int error = 0;
		bool has_process = false;
	};
	void diagnose(const Verdict &why);
	void diagnose_here(const Verdict &why, bool has_process);
	void set_down(const Verdict &why, const Diagnosis &d);
	void set_link(State to, std::string reason, std::string hint);
	void on_attempt() noexcept;

	// asking
	void plan() noexcept;
	void on_turn() noexcept;
	void ask(Task task);
	[[nodiscard]] std::string path_of(Task task) const;
	void on_bytes(evbuffer *bytes) noexcept;
	void on_answer(const Answer &answer) noexcept;
	void on_taken(Taken &taken) noexcept;
	void on_body_end(const BodyEnd &end) noexcept;
	void finish(Task task);
	[[nodiscard]] static bool can_do_without(Task t) noexcept { return t != Task::status && t != Task::devices; }
	void do_without(const std::string &why);
	[[nodiscard]] bool is_watched() const noexcept;
	[[nodiscard]] ms interval_of(Task task) const noexcept; // negative: never
	void make_due(Task task) noexcept { last[index(task)] = {}; }

	// what answers mean
	void on_status(const Status &status);
	void on_all_devices();
	void on_some_devices();
	void note_pushed(const Taken &taken) noexcept;
	void advance() noexcept;
	void want_all(const char *why) noexcept;
	void become_up();
	void answer_refreshes();
	void fail_refreshes(const std::string &why);

	// the event bus
	void connect_bus();
	void on_bus_up() noexcept;
	void on_event(std::string_view event) noexcept;
	void on_bus_end(const EventBus::End &end) noexcept;
	void on_bus_timer() noexcept;

	[[nodiscard]] static std::size_t index(Task t) noexcept { return static_cast<std::size_t>(t); }
	[[nodiscard]] std::string where(Task task) const;

	pb::Scope &scope;
	Air &air;
	Options options;
	const pb::Bound<> on_link;
	Link state;
	Phase phase = Phase::resting;
	std::string address;
	bool is_own = false; // Kismet's address is this machine's
	std::optional<Credentials> credentials;
	unsigned failures = 0;

	Task asked = Task::status;
	bool is_asking_all = false, is_all_wanted = true;
	std::string small; // the body of a status
	std::array<Clock::time_point, tasks> last{};
	std::array<bool, tasks> is_missing{}; // it does not answer that
	std::vector<Source> sources;
	std::uint64_t connections = 0;
	int watchers = 0;
	Clock::time_point looked_at{}, all_at{};

	// the clock of the packets
	std::int64_t since = 0;                   // ask for devices seen later than this
	std::int64_t best_mod = 0, best_last = 0; // of the body that is coming
	std::size_t changed = 0;                  // devices that it changed
	int quiet_polls = 0;                      // in which nothing changed …
	Clock::time_point quiet_since{};          // … since then
	std::uint64_t packets_then = 0;           // and how many packets there had been
	Status known;                             // of the Kismet that we know
	int fewer = 0;                            // statuses in a row in which it had fewer devices than we

	std::vector<pb::Reply> refreshes;
	unsigned bus_failures = 0;

	Http http;
	Intake intake;
	EventBus bus;
	pb::Timer attempt_timer, turn_timer, bus_timer;
};

} // namespace kismet
