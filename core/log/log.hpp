// The log: one line an event, key=value or JSON, to stderr or a file; a message that repeats is limited and counted.
#pragma once
#include <patchbay/json.hpp>
#include <patchbay/plugin.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace core {

/// Loop thread.  Lines: TIME LEVEL plugin=NAME message="…" key=value, or {"time","level","plugin","message",…}.
class Log final {
public:
	enum class Format { text, json };

	Log() = default;
	~Log();
	Log(const Log &) = delete;
	Log &operator=(const Log &) = delete;

	void set(pb_level most, Format as) noexcept
	{
		level = most;
		format = as;
	}
	/// Empty: stderr. False where it cannot be opened (the old one stays).
	[[nodiscard]] bool open(const std::string &file);
	void reopen();

	/// fields: an object of further keys, or null. At most 10 lines a message and plugin in 10 s; what was left out is
	/// counted on the next line of that message as repeated=n.
	void write(pb_level at, std::string_view plugin, std::string_view message, const json_t *fields = nullptr);
	void error(std::string_view message, const pb::Json &fields = {}) { write(PB_ERROR, "core", message, fields.get()); }
	void warn(std::string_view message, const pb::Json &fields = {}) { write(PB_WARN, "core", message, fields.get()); }
	void info(std::string_view message, const pb::Json &fields = {}) { write(PB_INFO, "core", message, fields.get()); }
	void debug(std::string_view message, const pb::Json &fields = {}) { write(PB_DEBUG, "core", message, fields.get()); }

	/// Told of each line that was written, for those who show the log. Must not log.
	std::function<void(pb_level, std::string_view plugin, std::string_view message, const json_t *fields)> on_line;
	std::uint64_t lines = 0, suppressed = 0;

private:
	struct Repeat {
		std::chrono::steady_clock::time_point since;
		unsigned written = 0, left_out = 0;
	};
	pb_level level = PB_INFO;
	Format format = Format::text;
	int fd = 2;
	std::string path;
	std::unordered_map<std::string, Repeat> repeats; // bounded: emptied at 1,024
};

/// The names that `--log-level` and the file take.
[[nodiscard]] bool parse_level(std::string_view word, pb_level &out) noexcept;

} // namespace core
