// /proc/PID/stat, whose name of the process may be anything: what is read stands behind the last parenthesis.
#include <procs/identity.hpp>

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	const std::string_view text(reinterpret_cast<const char *>(data), size);
	const auto s = procs::parse_stat(text);
	if (!s) return 0;
	const std::size_t close = text.rfind(')');
	if (close == std::string_view::npos || text[close + 2] != s->state) std::abort();
	// Any other name before it changes nothing.
	const auto again = procs::parse_stat("1 (a) S 1 (b" + std::string(text.substr(close)));
	if (!again || again->start != s->start || again->parent != s->parent || again->user_ticks != s->user_ticks) std::abort();
	return 0;
}
