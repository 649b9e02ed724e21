#include "http/http_date.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace core::http {

namespace {
constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool read(std::string_view text, std::size_t at, std::size_t digits, int &out) noexcept
{
	const char *begin = text.data() + at;
	const auto [end, problem] = std::from_chars(begin, begin + digits, out);
	return problem == std::errc() && end == begin + digits && out >= 0;
}
} // namespace

std::string http_date(std::time_t when)
{
	std::tm t{};
	gmtime_r(&when, &t);
	return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days[static_cast<std::size_t>(t.tm_wday)], t.tm_mday,
		months[static_cast<std::size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

std::optional<std::time_t> parse_http_date(std::string_view text) noexcept
{
	constexpr std::string_view shape = "ddd, 00 mmm 0000 00:00:00 GMT";
	if (text.size() != shape.size() || text.substr(25) != " GMT" || text[3] != ',' || text[4] != ' ') return {};
	std::tm t{};
	if (!read(text, 5, 2, t.tm_mday) || !read(text, 12, 4, t.tm_year) || !read(text, 17, 2, t.tm_hour) || !read(text, 20, 2, t.tm_min) ||
		!read(text, 23, 2, t.tm_sec))
		return {};
	t.tm_year -= 1900;
	t.tm_mon = -1;
	for (std::size_t i = 0; i < months.size(); ++i)
		if (text.substr(8, 3) == months[i]) t.tm_mon = static_cast<int>(i);
	const bool is_in_range = t.tm_mon >= 0 && t.tm_mday >= 1 && t.tm_mday <= 31 && t.tm_hour < 24 && t.tm_min < 60 && t.tm_sec <= 60;
	if (!is_in_range || text[19] != ':' || text[22] != ':') return {};
	return timegm(&t);
}

} // namespace core::http
