// What Kismet says, as plain values: devices, alerts, messages, sources, its status. Its fields come under their full
// names, under their last names, or under the aliases that we ask for; any of them may be 0 where an object should be.
#pragma once
#include "devices/alerts.hpp"
#include "devices/device.hpp"

#include <patchbay/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kismet {

struct DeviceRecord {
	std::uint64_t mac = 0;
	devices::Device device;
	std::int64_t last_time = 0; // packet time, unix seconds
	std::int64_t mod_time = 0;  // Kismet's clock; 0: not told
};
/// Nothing for an object that names no MAC.
[[nodiscard]] std::optional<DeviceRecord> read_device(const json_t *object);

/// Nothing for an object without a header.
[[nodiscard]] std::optional<devices::Alert> read_alert(const json_t *object);

struct Message {
	double time = 0;
	std::string level, text; // level: "debug", "info", "error", "alert" or "fatal"
};
[[nodiscard]] std::optional<Message> read_message(const json_t *object);

struct Source {
	std::string name, interface, type, channel, error; // error: empty, or why it does not run
	bool is_running = false;
	std::int64_t packets = 0;
};
[[nodiscard]] std::optional<Source> read_source(const json_t *object);

struct Status {
	std::string version, server_id, server_name;
	std::int64_t started = 0, now = 0; // its clock, unix seconds; 0: not told
	std::int64_t devices = -1;         // -1: not told
};
/// Nothing for an answer that is not Kismet's.
[[nodiscard]] std::optional<Status> read_status(const json_t *object);

/// The body of a poll: the fields that read_device uses, and nothing else.
[[nodiscard]] const char *poll_body() noexcept;

} // namespace kismet
