#include "terminal/table.hpp"

#include "terminal/text.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace ctl {

namespace {
constexpr std::size_t gap = 2, least = 6; // columns between two cells; what a cut column keeps
}

Cell::Cell(std::string_view text_, Style style_) : text(harmless(text_)), style(style_) {}

std::vector<std::size_t> Table::widths(std::size_t most) const
{
	std::vector<std::size_t> out;
	for (const Column &c : columns) out.push_back(width_of(c.head));
	for (const auto &row : rows)
		for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::max(out[i], width_of(row[i].text));
	const std::size_t gaps = gap * (columns.size() - 1);
	for (std::size_t total = std::accumulate(out.begin(), out.end(), gaps); most > 0 && total > most; --total) {
		const auto widest = std::ranges::max_element(out);
		if (*widest <= least) break;
		--*widest;
	}
	return out;
}

void Table::print(Output &out, std::size_t most) const
{
	const std::vector<std::size_t> width = widths(most);
	std::size_t blanks = 0, used = 0; // blanks are not written yet: none stand at the end of a line
	const auto cell = [&](std::size_t i, std::string_view text, Style style) {
		if (i == 0) blanks = used = 0;
		std::string shown = cut_to(text, width[i]);
		const std::size_t blank = width[i] - width_of(shown);
		blanks += (i > 0 ? gap : 0) + (columns[i].align == Column::Align::right ? blank : 0);
		if (most > 0) shown = cut_to(shown, most - std::min(most, used + blanks)); // where not even the least fits
		if (!shown.empty()) {
			out.add(std::string(blanks, ' '));
			used += std::exchange(blanks, 0) + width_of(shown);
		}
		out.add(shown, style);
		blanks += columns[i].align == Column::Align::left ? blank : 0;
	};
	for (std::size_t i = 0; i < columns.size(); ++i) cell(i, columns[i].head, Style::faint);
	out.line();
	for (const auto &row : rows) {
		for (std::size_t i = 0; i < columns.size(); ++i) cell(i, row[i].text, row[i].style);
		out.line();
	}
}

} // namespace ctl
