// One line of gpsd into reports. jansson reads it first and says what is JSON, what is there and what it is called; libgps then
// gives the numbers of fix and sky. Neither is trusted with ranges.
#pragma once
#include "report.hpp"

#include <jansson.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct gps_data_t;

namespace gpsd {

/// Keeps libgps's struct (24 KiB) between lines; not what they said.
class Unpacker final {
public:
	static constexpr std::size_t max_line = 64 * 1024; // past it a line costs milliseconds

	Unpacker();
	~Unpacker();
	Unpacker(const Unpacker &) = delete;
	Unpacker &operator=(const Unpacker &) = delete;

	/// Adds what the line says to `reports`; a class that nobody here uses adds nothing. False: garbage, why() says of what sort,
	/// and nothing was added.
	[[nodiscard]] bool unpack(std::string_view line, std::vector<Report> &reports);
	[[nodiscard]] const std::string &why() const noexcept { return reason; }

private:
	bool object(const json_t *json, std::string_view line, std::vector<Report> &reports);
	bool device_list(const json_t *json, std::vector<Report> &reports);
	bool poll(const json_t *json, std::vector<Report> &reports);
	bool fix(const json_t *json, std::string_view line, std::vector<Report> &reports);
	bool sky(const json_t *json, std::string_view line, std::vector<Report> &reports);
	bool libgps(const json_t *json, std::string_view line);
	bool bad(std::string why_);

	std::unique_ptr<gps_data_t> data;
	std::string copy; // libgps wants its line NUL-terminated
	std::string reason;
};

} // namespace gpsd
