// A table for people: columns as wide as they must be, the widest cut where the terminal is narrower.
#pragma once
#include "terminal/output.hpp"

#include <string>
#include <vector>

namespace ctl {

/// Text is made harmless on the way in.
struct Cell {
	Cell(const char *text_, Style style_ = Style::plain) : Cell(std::string_view(text_), style_) {}
	Cell(std::string_view text_, Style style_ = Style::plain);
	Cell(const std::string &text_, Style style_ = Style::plain) : Cell(std::string_view(text_), style_) {}
	std::string text;
	Style style;
};

struct Column {
	const char *head;
	enum class Align { left, right } align = Align::left;
};

class Table final {
public:
	explicit Table(std::vector<Column> columns_) : columns(std::move(columns_)) {}
	/// As many cells as there are columns.
	void row(std::vector<Cell> cells) { rows.push_back(std::move(cells)); }
	[[nodiscard]] bool is_empty() const noexcept { return rows.empty(); }
	/// `most` columns of a terminal; 0: as wide as it gets.
	void print(Output &out, std::size_t most) const;
	void print(Output &out) const { print(out, out.columns()); }

private:
	[[nodiscard]] std::vector<std::size_t> widths(std::size_t most) const;
	std::vector<Column> columns;
	std::vector<std::vector<Cell>> rows;
};

} // namespace ctl
