// The bytes of a reply: status lines, the date, the contract's error shapes.
#pragma once
#include "result.hpp"

#include <ctime>
#include <string>
#include <string_view>

namespace core::http {

/// "HTTP/1.1 200 OK\r\n"
[[nodiscard]] std::string_view status_line(int status) noexcept;
/// The ordinary error code for a status: 404 is "NOT_FOUND".
[[nodiscard]] std::string_view word_of(int status) noexcept;
/// "2026-11-24T10:00:00.000Z", now.
[[nodiscard]] std::string iso_now();

/// The contract's error body. members: an object whose members go in as well, or null.
[[nodiscard]] std::string error_body(const Error &error, const json_t *members = nullptr);

/// "Date: …\r\n", made once a second.
class DateLine final {
public:
	[[nodiscard]] std::string_view now() noexcept;

private:
	std::time_t made = -1;
	char text[48] = {};
	std::size_t size = 0;
};

/// Whether an If-None-Match value names this ETag (with its quotes), weakly compared.
[[nodiscard]] bool names_etag(std::string_view if_none_match, std::string_view etag) noexcept;

} // namespace core::http
