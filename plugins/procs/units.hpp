// systemd's units over the system bus, without blocking: states as they change, jobs and their results.
#pragma once
#include <patchbay/patchbay.hpp>

#include <systemd/sd-bus.h>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace procs {

struct UnitState {
	std::string load, active, sub, result, cgroup; // result, cgroup and what follows: of a service
	pid_t main = 0;
	int code = 0, status = 0; // of the last main process, as siginfo has them
	std::int64_t began_ms = 0, ended_ms = 0;
	[[nodiscard]] bool is_up() const noexcept { return active == "active" || active == "reloading"; }
	[[nodiscard]] bool is_down() const noexcept { return active == "inactive" || active == "failed"; }
};

/// One connection, opened again when it was lost. Loop thread.
class Units final {
public:
	using OnState = std::function<void(const UnitState &)>;
	using OnDone = std::function<void(const std::string &failure)>; // empty: done
	explicit Units(pb::Scope &scope);
	~Units();
	Units(const Units &) = delete;
	Units &operator=(const Units &) = delete;

	/// on_state: soon, and with each change, as long as we live.
	void watch(const std::string &unit, OnState on_state);
	/// then: once on_state has had what systemd says from now on (a unit that is watched).
	void renew(const std::string &unit, std::function<void()> then);
	/// StartUnit or StopUnit; done when systemd's job is.
	void run_job(const char *method, const std::string &unit, OnDone done);
	/// who: "main" or "all".
	void kill(const std::string &unit, const char *who, int number, OnDone done);
	/// Why the bus cannot be used; empty: it can.
	[[nodiscard]] const std::string &trouble() const noexcept { return why_not; }

private:
	struct Watched {
		Units *units;
		std::string unit, path;
		OnState on_state;
		bool is_asking = false, must_ask_again = false;
		std::vector<std::function<void()>> now, next; // for the present answer, for the one after it
	};
	struct Call {
		Units *units;
		std::string unit;
		OnDone done;
	};

	bool open();
	void close() noexcept;
	void lose(const std::string &why);
	void ask(Watched &w);
	static void tell(Watched &w, const UnitState &state);
	static void finish(Watched &w, const UnitState &state);
	void rearm();
	void on_bus(int fd, std::uint32_t what) noexcept;
	void on_time() noexcept;
	void on_reopen() noexcept;
	void turn();
	void call(const char *method, sd_bus_message_handler_t on_reply, const std::string &unit, OnDone done, const std::function<int(sd_bus_message *)> &fill);
	static int on_path(sd_bus_message *m, void *self, sd_bus_error *) noexcept;
	static int on_properties(sd_bus_message *m, void *self, sd_bus_error *) noexcept;
	static int on_changed(sd_bus_message *m, void *self, sd_bus_error *) noexcept;
	static int on_job(sd_bus_message *m, void *self, sd_bus_error *) noexcept;
	static int on_killed(sd_bus_message *m, void *self, sd_bus_error *) noexcept;
	static int on_removed(sd_bus_message *m, void *self, sd_bus_error *) noexcept;

	pb::Scope &scope;
	sd_bus *bus = nullptr;
	std::string why_not;
	std::map<std::string, Watched> watched;                     // by unit
	std::map<std::string, std::pair<std::string, OnDone>> jobs; // by the job's path: unit, done
	std::list<Call> calls;                                      // that wait for a reply
	std::unique_ptr<pb::Fd> fd;
	pb::Timer time, reopen;
};

} // namespace procs
