// Standard output: gathered, coloured where that is wanted, written whole. Who closes the other end ends us silently.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace ctl {

enum class Style { plain, bold, faint, good, odd, bad };

/// Text for stdout. What is added must be harmless already; raw() is for JSON that a program reads.
class Output final {
public:
	enum class Colours { when_terminal, always, never };
	explicit Output(Colours colours = Colours::when_terminal);
	Output(const Output &) = delete;
	Output &operator=(const Output &) = delete;
	~Output() = default; // flush() is main()'s: it can fail

	void add(std::string_view text, Style style = Style::plain);
	/// `text` padded to `width` columns.
	void pad(std::string_view text, std::size_t width, Style style = Style::plain);
	void line(std::string_view text = {}, Style style = Style::plain);
	/// The daemon's JSON as it came and a newline; on a terminal without what a terminal acts on.
	void json(std::string_view text);
	/// Writes what was gathered. Throws Failure where that cannot be done.
	void flush();
	/// The cursor to the first line, and clears what is below: for screens that are drawn again and again.
	void home();

	[[nodiscard]] bool is_terminal() const noexcept { return has_terminal; }
	[[nodiscard]] bool has_colours() const noexcept { return uses_colours; }
	/// Columns of the terminal; 0: as many as needed.
	[[nodiscard]] std::size_t columns() const noexcept;

private:
	std::string gathered;
	bool has_terminal, uses_colours;
};

} // namespace ctl
