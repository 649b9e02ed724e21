// Asks systemd to start gpsd where nothing listens: over sd-bus, asynchronously. Never sudo, never a shell; what systemd refuses
// is said.
//
//   open the system bus → match JobRemoved, Subscribe → StartUnit → its job's path → JobRemoved with that path: its result
#pragma once
#include <patchbay/patchbay.hpp>

#include <systemd/sd-bus.h>

#include <memory>
#include <optional>
#include <string>

namespace gpsd {

/// Owns the bus connection, which lives as long as one question. Loop thread.
class Ensure final {
public:
	enum class Outcome { started, failed };
	Ensure(pb::Scope &scope, pb::Bound<Outcome> on_done);
	~Ensure() { close(); }
	Ensure(const Ensure &) = delete;
	Ensure &operator=(const Ensure &) = delete;

	/// on_done comes later, once. Nothing happens while one is under way.
	void start(std::string unit);
	[[nodiscard]] bool is_busy() const noexcept { return is_asking; }
	/// What became of the last one; "" where there was none.
	[[nodiscard]] const std::string &words() const noexcept { return said; }

private:
	int ask();
	void arm();
	void turn();
	void on_fd(int, std::uint32_t) noexcept { turn(); }
	void on_timer() noexcept { turn(); }
	void on_deadline() noexcept { end(Outcome::failed, "systemd did not say within 30 s what became of it"); }
	void finish(Outcome outcome, std::string words) noexcept;
	void end(Outcome outcome, std::string words);
	void close() noexcept;
	static int on_job(sd_bus_message *m, void *self, sd_bus_error *) noexcept;
	static int on_removed(sd_bus_message *m, void *self, sd_bus_error *) noexcept;

	pb::Scope &scope;
	const pb::Bound<Outcome> on_done;
	std::string unit, job, said;
	bool is_asking = false;
	sd_bus *bus = nullptr;
	std::optional<Outcome> outcome; // known, but the bus is still at work up the stack
	std::unique_ptr<pb::Fd> watch;
	pb::Timer timer, deadline;
};

} // namespace gpsd
