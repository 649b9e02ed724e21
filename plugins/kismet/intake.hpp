// Kismet's JSON on its way in: cut into objects and parsed on a worker, piece by piece, in order; handed over on the loop.
#pragma once
#include "kismet/http.hpp"
#include "kismet/record.hpp"
#include "kismet/splitter.hpp"

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kismet {

/// What one piece held.
struct Taken {
	std::vector<DeviceRecord> devices;
	std::vector<devices::Alert> alerts;
	std::vector<Message> messages;
	std::vector<Source> sources;
	std::size_t odd = 0;    // objects that were not what they should be
	bool is_pushed = false; // by the event bus, not asked for
};

/// How the body of an answer ended. Empty trouble: it was whole.
struct BodyEnd {
	std::string trouble;
};

enum class What { devices, alerts, messages, sources };

/// The pure part, also for tests: an object as What.
void take_object(What what, std::string_view json, Taken &out);
/// An event of the bus: {"TOPIC":{…}}.
void take_event(std::string_view json, Taken &out);

/// One job at a time. Loop thread, but for its jobs. At most 64 MiB wait; past it events are dropped (and said so).
class Intake {
public:
	Intake(pb::Scope &scope, pb::Bound<Taken &> on_taken, pb::Bound<const BodyEnd &> on_body_end);
	Intake(const Intake &) = delete;
	Intake &operator=(const Intake &) = delete;

	/// A body begins; the one before has ended.
	void begin(What what);
	/// Takes all that is in the buffer.
	void add(evbuffer *bytes);
	/// It came to its end: on_body_end will tell, after the last on_taken.
	void end();
	/// It stops here, and nobody wants to hear more of it. What has been parsed stays.
	void abandon() noexcept;
	/// False: too much waits, it was dropped.
	[[nodiscard]] bool add_event(std::string_view json);
	[[nodiscard]] bool is_in_body() const noexcept { return body != nullptr; }

private:
	struct Body {
		What what;
		Bytes waiting = new_bytes();
		Splitter splitter;
		std::size_t count = 0;
		bool has_ended = false;
	};
	struct Job {
		std::shared_ptr<Body> body; // shared: an abandoned one lives until its job is done
		Bytes bytes;
		std::vector<std::string> events;
	};
	void pump() noexcept;
	static Taken work(Job &job);
	void on_done(const std::shared_ptr<Body> &of, Taken taken) noexcept;

	static constexpr std::size_t piece = 512 << 10, most_waiting = 64 << 20;
	pb::Scope &scope;
	const pb::Bound<Taken &> on_taken;
	const pb::Bound<const BodyEnd &> on_body_end;
	std::shared_ptr<Body> body;
	std::vector<std::string> events;
	std::size_t events_size = 0;
	bool is_working = false;
	pb::Timer retry;
};

} // namespace kismet
