// Which fix leads: the receivers that gpsd has, what each said last, and the choice among them. Time is handed in, by our own
// clock; a receiver's time decides nothing but which reports belong to one epoch.
#pragma once
#include "report.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gpsd {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using std::chrono::milliseconds;

struct Receiver {
	Device device;
	std::optional<Fix> fix;
	Time arrived{};          // of the fix
	std::optional<Fix> held; // a worse one that waits: the first report of an epoch may be but a part of it
	Time held_until{}, held_arrived{};
	std::optional<Sky> sky;
	Time satellites_seen{};
};

/// Owns what is known of each receiver. No I/O, no timers: next() says when time alone will change something.
class Receivers final {
public:
	struct Rules {
		milliseconds stale_after{5000};  // but never sooner than three of the receiver's cycles
		milliseconds switch_after{3000}; // so long another receiver must be the better one
	};
	static constexpr std::size_t max_receivers = 16; // gpsd takes 4
	static constexpr milliseconds hold{250};
	static constexpr milliseconds satellites_kept{30'000};

	Rules rules;

	/// What gpsd lists now; those that it does not are gone.
	void set_devices(std::vector<Device> devices);
	void set_device(Device device);
	/// The link is down: nobody knows what there is.
	void clear();

	/// False: there is no room for another device.
	bool take(Fix fix, Time now);
	bool take(Sky sky, Time now);
	/// To be called after what came was taken, and at next(). True: another receiver leads now.
	bool choose(Time now);
	/// When choose() is to be called though nothing came; empty: never.
	[[nodiscard]] std::optional<Time> next(Time now) const;

	[[nodiscard]] const Receiver *leader() const noexcept;
	[[nodiscard]] bool is_stale(const Receiver &r, Time now) const noexcept { return !r.fix || now - r.arrived > stale_after(r); }
	[[nodiscard]] milliseconds stale_after(const Receiver &r) const noexcept;
	[[nodiscard]] const std::map<std::string, Receiver> &all() const noexcept { return receivers; }
	[[nodiscard]] bool has_device() const noexcept;

private:
	Receiver *find(const std::string &path);
	[[nodiscard]] const Receiver *best(Time now) const;
	void release_held(Time now);

	std::map<std::string, Receiver> receivers;
	std::string leading; // its path; "" may be one
	bool has_leader = false;
	std::optional<Time> beaten_since;
};

/// Whether a is worth more than b: mode, then status, then the expected error, which must be a fifth smaller.
[[nodiscard]] bool is_better(const Fix &a, const Fix &b) noexcept;

} // namespace gpsd
