// The rules that come with the plugin: what the field kit's own recovery does, and classes for what plugins report.
#include "rule.hpp"

namespace recovery {

namespace {

// In the order in which they are tried. Written as a person would write them in the configuration.
constexpr const char *text = R"json([
{"class": "GPSD_DOWN", "topic": "gps/link", "when": {"state": "down"},
 "steps": [{"call": "procs.restart", "args": {"name": "gpsd"}, "otherwise": "gpsd.reconnect", "wait": 2}],
 "verify": {"topic": "gps/link", "when": {"state": "up"}, "timeout": 15}, "process": "gpsd", "after": 2, "from_start": false,
 "advice": "look at gpsd: systemctl status gpsd; is the receiver plugged in?"},
{"class": "GPSD_DOWN", "topic": "*/incident", "when": {"code": "ECONNREFUSED", "port": 2947},
 "steps": [{"call": "procs.restart", "args": {"name": "gpsd"}, "otherwise": "gpsd.reconnect", "wait": 2}],
 "verify": {"topic": "gps/link", "when": {"state": "up"}, "timeout": 15}, "process": "gpsd",
 "advice": "look at gpsd: systemctl status gpsd; is the receiver plugged in?"},
{"class": "KISMET_DOWN", "topic": "kismet/link", "when": {"state": "down"},
 "steps": [{"call": "procs.start", "args": {"name": "kismet"}, "wait": 5}],
 "verify": {"topic": "kismet/link", "when": {"state": "up"}, "timeout": 60}, "process": "kismet", "after": 2, "from_start": false,
 "waits_for": ["GPSD_DOWN"], "advice": "look at Kismet's log: GET /api/webhook/procs/kismet/log; is its interface free?"},
{"class": "KISMET_DOWN", "topic": "*/incident", "when": {"code": "ECONNREFUSED", "port": 2501},
 "steps": [{"call": "procs.start", "args": {"name": "kismet"}, "wait": 5}],
 "verify": {"topic": "kismet/link", "when": {"state": "up"}, "timeout": 60}, "process": "kismet",
 "waits_for": ["GPSD_DOWN"], "advice": "look at Kismet's log: GET /api/webhook/procs/kismet/log; is its interface free?"},
{"class": "PROCESS_NOT_FOUND", "topic": "*/incident", "when": {"code": ["ESRCH", "PROCESS_NOT_FOUND", "NOT_RUNNING"]},
 "advice": "the process had gone before it was reached: start it again where it is needed"},
{"class": "PERMISSION_DENIED", "topic": "*/incident", "when": {"code": ["EACCES", "EPERM", "PERMISSION_DENIED"]},
 "advice": "give the daemon's user access to what the message names, or its capability"},
{"class": "PERMISSION_DENIED", "topic": "*/incident", "contains": "permission denied",
 "advice": "give the daemon's user access to what the message names, or its capability"},
{"class": "INTERFACE_LOST", "topic": "*/incident", "when": {"code": ["ENODEV", "INTERFACE_LOST"]},
 "advice": "plug the adapter in again; GET /api/webhook/interfaces shows those present"},
{"class": "DISK_FULL", "topic": "*/incident", "when": {"code": ["ENOSPC", "EDQUOT", "DISK_FULL"]},
 "advice": "make room on the disk that the message names"},
{"class": "DISK_FULL", "topic": "*/incident", "contains": "no space left",
 "advice": "make room on the disk that the message names"},
{"class": "UNKNOWN", "topic": "procs/*", "when": {"state": "failed"}, "after": 2,
 "advice": "look at the process's log and reason, then start it again: GET /api/webhook/procs"},
{"class": "UNKNOWN", "topic": "*/incident", "advice": "read the message"}
])json";

} // namespace

std::vector<Rule> default_rules()
{
	std::vector<Rule> out;
	const pb::Json all = pb::Json::parse(text);
	std::size_t i;
	json_t *j;
	json_array_foreach(all.get(), i, j) {
		Rule r = pb::read_fields<Rule>(j);
		// What a person may leave out, as the settings' table has it.
		if (!r.when) r.when = pb::Json::object();
		if (!pb::at(j, "attempts_per_hour")) r.attempts_per_hour = 6;
		if (!pb::at(j, "back_off")) r.back_off = std::chrono::seconds(5);
		if (!pb::at(j, "back_off_max")) r.back_off_max = std::chrono::minutes(5);
		if (!pb::at(j, "from_start")) r.from_start = true;
		for (Step &s : r.steps) s.timeout = std::chrono::seconds(90);
		out.push_back(std::move(r));
	}
	return out;
}

} // namespace recovery
