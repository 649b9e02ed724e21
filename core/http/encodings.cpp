#include "http/encodings.hpp"

#include "http/text.hpp"

#include <strings.h>

#include <optional>

namespace core::http {

namespace {
bool is(std::string_view coding, std::string_view name) noexcept
{
	return coding.size() == name.size() && strncasecmp(coding.data(), name.data(), name.size()) == 0;
}

/// "q=0", "q=0.000": not acceptable.
bool is_refused(std::string_view parameters) noexcept
{
	while (!parameters.empty()) {
		const std::string_view p = take_until(parameters, ';');
		if (p.size() >= 3 && (p[0] == 'q' || p[0] == 'Q') && p[1] == '=') return p.substr(2).find_first_not_of("0.") == std::string_view::npos;
	}
	return false;
}
} // namespace

Encodings Encodings::parse(std::string_view header) noexcept
{
	std::optional<bool> br, gzip, any;
	while (!header.empty()) {
		std::string_view entry = take_until(header, ',');
		const std::string_view coding = take_until(entry, ';');
		const bool is_accepted = !is_refused(entry);
		if (is(coding, "br")) br = is_accepted;
		else if (is(coding, "gzip") || is(coding, "x-gzip")) gzip = is_accepted;
		else if (coding == "*") any = is_accepted;
	}
	return {br.value_or(any.value_or(false)), gzip.value_or(any.value_or(false))};
}

} // namespace core::http
