#include "http/reply.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>

namespace core::http {

namespace {
struct Status {
	int code;
	std::string_view line, word;
};
constexpr std::array statuses{
	Status{101, "HTTP/1.1 101 Switching Protocols\r\n", ""},
	Status{200, "HTTP/1.1 200 OK\r\n", ""},
	Status{201, "HTTP/1.1 201 Created\r\n", ""},
	Status{202, "HTTP/1.1 202 Accepted\r\n", ""},
	Status{204, "HTTP/1.1 204 No Content\r\n", ""},
	Status{206, "HTTP/1.1 206 Partial Content\r\n", ""},
	Status{301, "HTTP/1.1 301 Moved Permanently\r\n", ""},
	Status{302, "HTTP/1.1 302 Found\r\n", ""},
	Status{303, "HTTP/1.1 303 See Other\r\n", ""},
	Status{304, "HTTP/1.1 304 Not Modified\r\n", ""},
	Status{307, "HTTP/1.1 307 Temporary Redirect\r\n", ""},
	Status{308, "HTTP/1.1 308 Permanent Redirect\r\n", ""},
	Status{400, "HTTP/1.1 400 Bad Request\r\n", "BAD_REQUEST"},
	Status{401, "HTTP/1.1 401 Unauthorized\r\n", "UNAUTHORIZED"},
	Status{403, "HTTP/1.1 403 Forbidden\r\n", "FORBIDDEN"},
	Status{404, "HTTP/1.1 404 Not Found\r\n", "NOT_FOUND"},
	Status{405, "HTTP/1.1 405 Method Not Allowed\r\n", "METHOD_NOT_ALLOWED"},
	Status{406, "HTTP/1.1 406 Not Acceptable\r\n", "NOT_ACCEPTABLE"},
	Status{408, "HTTP/1.1 408 Request Timeout\r\n", "REQUEST_TIMEOUT"},
	Status{409, "HTTP/1.1 409 Conflict\r\n", "CONFLICT"},
	Status{410, "HTTP/1.1 410 Gone\r\n", "GONE"},
	Status{411, "HTTP/1.1 411 Length Required\r\n", "LENGTH_REQUIRED"},
	Status{412, "HTTP/1.1 412 Precondition Failed\r\n", "PRECONDITION_FAILED"},
	Status{413, "HTTP/1.1 413 Content Too Large\r\n", "PAYLOAD_TOO_LARGE"},
	Status{414, "HTTP/1.1 414 URI Too Long\r\n", "URI_TOO_LONG"},
	Status{415, "HTTP/1.1 415 Unsupported Media Type\r\n", "UNSUPPORTED_MEDIA_TYPE"},
	Status{416, "HTTP/1.1 416 Range Not Satisfiable\r\n", "RANGE_NOT_SATISFIABLE"},
	Status{417, "HTTP/1.1 417 Expectation Failed\r\n", "EXPECTATION_FAILED"},
	Status{421, "HTTP/1.1 421 Misdirected Request\r\n", "MISDIRECTED_REQUEST"},
	Status{422, "HTTP/1.1 422 Unprocessable Content\r\n", "UNPROCESSABLE"},
	Status{423, "HTTP/1.1 423 Locked\r\n", "LOCKED"},
	Status{424, "HTTP/1.1 424 Failed Dependency\r\n", "FAILED_DEPENDENCY"},
	Status{426, "HTTP/1.1 426 Upgrade Required\r\n", "UPGRADE_REQUIRED"},
	Status{429, "HTTP/1.1 429 Too Many Requests\r\n", "RATE_LIMIT_EXCEEDED"},
	Status{431, "HTTP/1.1 431 Request Header Fields Too Large\r\n", "HEADERS_TOO_LARGE"},
	Status{499, "HTTP/1.1 499 Client Closed Request\r\n", "CLIENT_GONE"},
	Status{500, "HTTP/1.1 500 Internal Server Error\r\n", "INTERNAL_ERROR"},
	Status{501, "HTTP/1.1 501 Not Implemented\r\n", "NOT_IMPLEMENTED"},
	Status{502, "HTTP/1.1 502 Bad Gateway\r\n", "BAD_GATEWAY"},
	Status{503, "HTTP/1.1 503 Service Unavailable\r\n", "SERVICE_UNAVAILABLE"},
	Status{504, "HTTP/1.1 504 Gateway Timeout\r\n", "TIMEOUT"},
	Status{505, "HTTP/1.1 505 HTTP Version Not Supported\r\n", "VERSION_NOT_SUPPORTED"},
	Status{507, "HTTP/1.1 507 Insufficient Storage\r\n", "INSUFFICIENT_STORAGE"},
};

/// Lines for the codes without an entry, made when first used: a client needs the number alone.
std::string_view other_line(int status)
{
	static std::array<std::string, 500> lines;
	std::string &line = lines[static_cast<std::size_t>(status - 100)];
	if (line.empty()) line = fmt::format("HTTP/1.1 {} Status {}\r\n", status, status);
	return line;
}

const Status *find(int status) noexcept
{
	for (const Status &s : statuses)
		if (s.code == status) return &s;
	return nullptr;
}
} // namespace

std::string_view status_line(int status) noexcept
{
	if (status == 200) return "HTTP/1.1 200 OK\r\n";
	if (const Status *s = find(status)) return s->line;
	return status >= 100 && status < 600 ? other_line(status) : status_line(500);
}

std::string_view word_of(int status) noexcept
{
	const Status *s = find(status);
	if (s && !s->word.empty()) return s->word;
	return status >= 500 ? "INTERNAL_ERROR" : "BAD_REQUEST";
}

std::string iso_now()
{
	const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
	const std::time_t seconds = static_cast<std::time_t>(now / 1000);
	std::tm t{};
	gmtime_r(&seconds, &t);
	return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, now % 1000);
}

std::string error_body(const Error &error, const json_t *members)
{
	const std::string_view code = error.code.empty() ? word_of(error.status) : std::string_view(error.code);
	pb::Json details = error.details ? pb::Json::share(error.details.get()) : pb::Json(nullptr);
	pb::Json body = pb::Json::object();
	body.set("success", false);
	if (code == "VALIDATION_ERROR") {
		body.set("error", pb::Json{{"code", pb::Json(code)}, {"message", pb::Json(error.text)}, {"details", std::move(details)}});
		body.set("message", error.text);
	} else {
		body.set("error", code);
		body.set("message", error.text);
		body.set("details", std::move(details));
	}
	if (members) json_object_update(body.get(), const_cast<json_t *>(members));
	body.set("timestamp", iso_now());
	return body.text();
}

std::string_view DateLine::now() noexcept
{
	const std::time_t seconds = std::time(nullptr);
	if (seconds != made) {
		made = seconds;
		std::tm t{};
		gmtime_r(&seconds, &t);
		size = std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &t); // the C locale: never set otherwise
	}
	return {text, size};
}

bool names_etag(std::string_view value, std::string_view etag) noexcept
{
	if (etag.starts_with("W/")) etag.remove_prefix(2);
	while (!value.empty()) {
		while (!value.empty() && (value.front() == ' ' || value.front() == '\t' || value.front() == ',')) value.remove_prefix(1);
		if (value.starts_with("*")) return true;
		if (value.starts_with("W/")) value.remove_prefix(2);
		if (!value.starts_with("\"")) return false;
		const std::size_t end = value.find('"', 1);
		if (end == std::string_view::npos) return false;
		if (value.substr(0, end + 1) == etag) return true;
		value.remove_prefix(end + 1);
	}
	return false;
}

} // namespace core::http
