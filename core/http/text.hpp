// Small looks at header values.
#pragma once
#include <string_view>

namespace core::http {

/// Without blanks and tabs at its ends.
[[nodiscard]] inline std::string_view trimmed(std::string_view s) noexcept
{
	while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
	while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
	return s;
}

/// What stands before `end`, trimmed; `rest` is then what stands behind it.
[[nodiscard]] inline std::string_view take_until(std::string_view &rest, char end) noexcept
{
	const std::size_t at = rest.find(end);
	const std::string_view taken = trimmed(rest.substr(0, at));
	rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
	return taken;
}

} // namespace core::http
