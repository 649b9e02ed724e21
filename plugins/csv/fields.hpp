// One line into fields: by libcsv where there is a quote in it, else at its delimiters. Knows nothing of what they mean.
#pragma once
#include <csv.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace csv {

/// A row never spans lines in these logs, so each line is a whole document to the parser, and what it holds is bounded.
class FieldParser {
public:
	static constexpr std::size_t most_fields = 200, most_field = 64 << 10, most_line = 256 << 10;
	enum class Verdict { row, empty, open_quote, field_too_long, too_many_fields };

	explicit FieldParser(char delimiter);
	~FieldParser() { csv_free(&parser); }
	FieldParser(const FieldParser &) = delete;
	FieldParser &operator=(const FieldParser &) = delete;

	/// line: with its end, most_line at most, without NUL.
	Verdict parse(std::string_view line);
	/// The same with quotes taken as they stand: for writers that never quote.
	Verdict parse_raw(std::string_view line) noexcept { return split(line); }
	/// Of the row just parsed; good until the next parse, and as long as the line.
	[[nodiscard]] std::span<const std::string_view> fields() const noexcept { return {views.data(), count}; }
	/// Fields first to last with the delimiters that stood between them.
	[[nodiscard]] std::string_view joined(std::size_t first, std::size_t last) const noexcept
	{
		return {views[first].data(), static_cast<std::size_t>(views[last].data() + views[last].size() - views[first].data())};
	}

private:
	void reset();
	Verdict split(std::string_view line) noexcept;
	static void on_field(void *data, std::size_t size, void *self) noexcept;
	static void on_row(int end, void *self) noexcept;

	csv_parser parser{};
	const char delimiter;
	std::size_t count = 0;
	bool is_whole = false;
	std::array<std::string_view, most_fields> views{};
	std::unique_ptr<char[]> text; // what libcsv gave, each field followed by a delimiter; made for the first quote
	char *end = nullptr;
};

} // namespace csv
