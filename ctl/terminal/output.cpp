#include "terminal/output.hpp"
#include "failure.hpp"

#include "terminal/text.hpp"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace ctl {

namespace {
constexpr std::size_t flush_at = 64 * 1024;

const char *sequence_of(Style style) noexcept
{
	switch (style) {
	case Style::bold: return "\x1b[1m";
	case Style::faint: return "\x1b[2m";
	case Style::good: return "\x1b[32m";
	case Style::odd: return "\x1b[33m";
	case Style::bad: return "\x1b[31m";
	case Style::plain: break;
	}
	return "";
}

bool is_dumb() noexcept
{
	const char *term = std::getenv("TERM"), *no_color = std::getenv("NO_COLOR");
	return !term || std::strcmp(term, "dumb") == 0 || (no_color && *no_color);
}
} // namespace

Output::Output(Colours colours)
	: has_terminal(isatty(STDOUT_FILENO) == 1), uses_colours(colours == Colours::always || (colours == Colours::when_terminal && has_terminal && !is_dumb()))
{}

void Output::add(std::string_view text, Style style)
{
	const bool is_styled = uses_colours && style != Style::plain && !text.empty();
	if (is_styled) gathered += sequence_of(style);
	gathered += text;
	if (is_styled) gathered += "\x1b[0m";
	if (gathered.size() > flush_at) flush();
}

void Output::pad(std::string_view text, std::size_t width, Style style)
{
	add(text, style);
	const std::size_t used = width_of(text);
	if (used < width) gathered.append(width - used, ' ');
}

void Output::line(std::string_view text, Style style)
{
	add(text, style);
	gathered += '\n';
}

void Output::json(std::string_view text)
{
	while (text.ends_with('\n')) text.remove_suffix(1);
	if (has_terminal) gathered += harmless_json(text);
	else gathered += text;
	gathered += '\n';
}

void Output::home()
{
	if (has_terminal) gathered += "\x1b[H\x1b[J";
}

void Output::flush()
{
	std::string_view rest = gathered;
	while (!rest.empty()) {
		const ssize_t n = write(STDOUT_FILENO, rest.data(), rest.size());
		if (n >= 0) {
			rest.remove_prefix(static_cast<std::size_t>(n));
			continue;
		}
		const int why = errno;
		if (why == EINTR) continue;
		gathered.clear();
		if (why == EPIPE) { // as if nobody had asked for the signal to be ignored
			std::signal(SIGPIPE, SIG_DFL);
			std::raise(SIGPIPE);
		}
		throw Failure(not_done, fmt::format("standard output: {}", std::strerror(why)));
	}
	gathered.clear();
}

std::size_t Output::columns() const noexcept
{
	winsize size{};
	if (!has_terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
	return size.ws_col;
}

} // namespace ctl
