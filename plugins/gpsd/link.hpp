// The connection to gpsd: connect, banner, WATCH, lines, silence, and what comes after an end.
//
//   connecting: socket → gpsd's VERSION, unasked → up: we send ?WATCH, it answers DEVICES and WATCH, then lines for ever
//   up: no line for a while though there should be → asked (?VERSION) → silent → answered: up; not answered: down
//   down: tried again every 5 s, ten times, then every 30 s
#pragma once
#include "address.hpp"

#include <patchbay/patchbay.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpsd {

using std::chrono::milliseconds;

/// Owns the socket. Does not know what a line says: its user tells it by banner(), watching(), expect_lines() and refuse(), the
/// only calls that are allowed while a line is handed over. Loop thread; names are resolved on the pool.
class Link final {
public:
	enum class State { down, connecting, silent, up };
	struct Limits {
		milliseconds silent_after{10'000};  // no line for so long: ask
		milliseconds answer_within{10'000}; // the banner, and an answer: else down
	};
	struct Events {
		pb::Bound<std::string_view> on_line;
		pb::Bound<> on_read;    // after all lines of one read
		pb::Bound<> on_state;   // state, reason or next attempt
		pb::Bound<> on_refused; // nobody listens there; state is down
	};

	Link(pb::Scope &scope, Events events);
	~Link() { close(); }
	Link(const Link &) = delete;
	Link &operator=(const Link &) = delete;

	Limits limits;

	/// Leaves what there is and connects to this.
	void open(std::string host, std::uint16_t port);
	/// The same place again, now; attempts are counted from the start.
	void reconnect();

	void banner();
	void watching() noexcept { is_watching = true; }
	/// Whether lines should come: a device is there.
	void expect_lines(bool expected);
	/// What answers there is not to be talked with: down, after the present line.
	void refuse(std::string why);

	[[nodiscard]] State state() const noexcept { return now_in; }
	[[nodiscard]] bool awaits_banner() const noexcept { return waits == Waits::banner; }
	[[nodiscard]] const std::string &reason() const noexcept { return why_down; } // "" where there is none
	[[nodiscard]] std::int64_t since_ms() const noexcept { return since; }
	[[nodiscard]] std::optional<std::int64_t> next_attempt_ms() const noexcept { return next_attempt; }
	[[nodiscard]] const std::string &place() const noexcept { return named; } // "127.0.0.1:2947"
	[[nodiscard]] bool is_local() const noexcept;

private:
	using Clock = std::chrono::steady_clock;
	enum class Waits { nothing, connect, banner, line, answer };

	void attempt();
	void resolve();
	void on_resolved(unsigned for_generation, Resolved r);
	void try_addresses();
	bool begin(const Address &to);
	void give_up();
	void on_fd(int, std::uint32_t) noexcept;
	void finish_connect();
	void read();
	void split_lines();
	void line_came();
	void pay(std::size_t bytes);
	void send(std::string_view commands);
	void on_deadline() noexcept;
	void check_silence();
	void on_resume() noexcept;
	void on_retry() noexcept { attempt(); }
	void wait(Waits what, Clock::duration limit);
	void enter(State state);
	void down(const std::string &why);
	void close_socket() noexcept;
	void close() noexcept;

	pb::Scope &scope;
	const Events events;
	std::string host, named;
	std::uint16_t port = 0;

	State now_in = State::down;
	Waits waits = Waits::nothing;
	std::string why_down;
	std::int64_t since = pb::unix_ms();
	std::optional<std::int64_t> next_attempt;
	unsigned attempts = 0;
	unsigned generation = 0;        // of the attempt: what the pool finds for an earlier one is dropped
	std::vector<Address> addresses; // still to be tried
	int failed_with = 0;            // errno of the last one
	bool is_resolving = false, is_splitting = false, is_watching = false, lines_expected = false;
	std::string refused; // why; acted upon after the present line

	int fd = -1;
	std::string in;          // what has come and is not yet a whole line
	std::size_t scanned = 0; // of it: no newline in there
	Clock::time_point up_since{}, last_line{}, asked{}, paid{};
	double budget = 0; // bytes that may be read now

	std::unique_ptr<pb::Fd> watch; // unique_ptr: an Fd does not move, and each socket has its own
	pb::Timer deadline, retry, resume;
};

[[nodiscard]] const char *name_of(Link::State s) noexcept;

} // namespace gpsd
