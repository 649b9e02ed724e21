// Lines of one log into sightings and rejects, whatever its format. Knows no files.
#pragma once
#include "csv/fields.hpp"
#include "csv/format.hpp"
#include "csv/sighting.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace csv {

/// Plain state between lines; one thread at a time.
class LogReader {
public:
	/// line: with its '\n', FieldParser::most_line at most. offset: where it begins in the file.
	void line(std::string_view line, std::uint64_t offset, Batch &out);
	/// From the beginning of a file.
	void reset();

	[[nodiscard]] Format format() const noexcept { return kind; }
	[[nodiscard]] std::uint64_t rows() const noexcept { return accepted; }

private:
	void header(std::string_view line, Format format);
	/// nullptr, or why it is not right.
	[[nodiscard]] const char *row(Batch &out);
	[[nodiscard]] const char *read_values(const Columns::Map &map, Sighting &s, Batch &out);
	[[nodiscard]] const char *read_times(const Columns::Map &map, Sighting &s);
	[[nodiscard]] const char *read_numbers(const Columns::Map &map, Sighting &s, Batch &out) const;
	void read_texts(const Columns::Map &map, Sighting &s, Batch &out) const;
	[[nodiscard]] std::string_view at(const Columns::Map &map, Want want) const noexcept;
	void reject(const char *reason, std::string_view line, std::uint64_t offset, Batch &out) const;

	Format kind = Format::unknown;
	Columns columns;
	std::unique_ptr<FieldParser> parser;
	std::uint64_t accepted = 0;
	std::int64_t stream_ms = 0; // the latest time named so far
	std::string last_time_text; // rows of one second follow each other
	std::int64_t last_time_ms = 0;
};

} // namespace csv
