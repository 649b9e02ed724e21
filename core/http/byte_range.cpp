#include "http/byte_range.hpp"

#include "http/text.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace core::http {

namespace {
/// Digits alone; what does not fit is as large as a number gets.
std::optional<std::uint64_t> number(std::string_view text) noexcept
{
	std::uint64_t n = 0;
	const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), n);
	if (text.empty() || end != text.data() + text.size()) return {};
	return problem == std::errc::result_out_of_range ? UINT64_MAX : n;
}
} // namespace

ByteRange ByteRange::parse(std::string_view header, std::uint64_t file_size) noexcept
{
	constexpr std::string_view unit = "bytes=";
	if (!header.starts_with(unit)) return {};
	const std::string_view spec = trimmed(header.substr(unit.size()));
	const std::size_t dash = spec.find('-');
	if (dash == std::string_view::npos) return {};
	const std::string_view from = trimmed(spec.substr(0, dash)), to = trimmed(spec.substr(dash + 1));
	const auto first = number(from), last = number(to);
	if (from.empty()) { // the last n bytes
		if (!last) return {};
		if (*last == 0 || file_size == 0) return {Kind::unsatisfiable, 0, 0};
		const std::uint64_t size = std::min(*last, file_size);
		return {Kind::part, file_size - size, size};
	}
	if (!first || (!to.empty() && (!last || *last < *first))) return {};
	if (*first >= file_size) return {Kind::unsatisfiable, 0, 0};
	const std::uint64_t end = to.empty() ? file_size : std::min(*last, file_size - 1) + 1;
	return {Kind::part, *first, end - *first};
}

} // namespace core::http
