// The last hour: a bounded ring of samples, a row of numbers each, told as columns of JSON.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dashboard {

/// What is plotted. A NaN is a value that nobody knew: null.
struct Column {
	const char *name;
	int digits;
};
inline constexpr auto columns = std::to_array<Column>({{"satellites_used", 0}, {"satellites_seen", 0}, {"fix_error_m", 2}, {"devices_per_minute", 1},
	{"devices", 0}, {"packets_per_second", 1}, {"cpu_percent", 1}, {"daemon_cpu_percent", 2}, {"memory_percent", 1}, {"daemon_bytes", 0}, {"loop_lag_ms", 3},
	{"disk_percent", 1}, {"load", 2}, {"temperature_c", 1}});
enum : std::size_t {
	satellites_used,
	satellites_seen,
	fix_error,
	devices_per_minute,
	devices,
	packets_per_second,
	cpu,
	daemon_cpu,
	memory,
	daemon_bytes,
	loop_lag,
	disk,
	load,
	temperature
};
static_assert(columns.size() == temperature + 1);

struct Sample {
	std::int64_t unix_ms = 0;
	std::array<double, columns.size()> values;
};

/// Owns its samples; the oldest goes when it is full. Loop thread.
class History {
public:
	explicit History(std::size_t most_) : most(most_) {}
	void add(const Sample &sample);
	/// Puts older samples before those since `since_ms`; what else was before them goes.
	void restore(const std::vector<Sample> &older, std::int64_t since_ms);
	/// {"interval_ms":…,"columns":{"time":[unix ms, …],"satellites_used":[…],…}}, oldest first.
	[[nodiscard]] std::string text(std::int64_t interval_ms) const;

private:
	template<typename F> void each(F f) const;
	std::size_t most, oldest = 0;
	std::vector<Sample> ring;
};

/// A number as JSON, null where it is none.
void append_number(std::string &out, double value, int digits);

} // namespace dashboard
