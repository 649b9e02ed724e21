#include "http/plain_http.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <utility>

namespace ctl {

namespace {

using Kind = PlainFailure::Kind;
using Clock = std::chrono::steady_clock;
constexpr std::size_t longest_line = 64 * 1024, largest_body = 256 * 1024 * 1024, most_headers = 200;
constexpr Seconds connect_limit{5};

/// false: the time is over.
bool wait_for(int fd, short what, Clock::time_point until)
{
	for (;;) {
		const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
		pollfd p{fd, what, 0};
		const int n = poll(&p, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 86'400'000)));
		if (n != -1 || errno != EINTR) return n == 1;
	}
}

/// A connected socket, or -1 and errno.
int connected(const sockaddr *address, socklen_t size, Clock::time_point until)
{
	const int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) return -1;
	int error = connect(fd, address, size) == 0 ? 0 : errno;
	if (error == EINPROGRESS || error == EAGAIN) {
		socklen_t length = sizeof error;
		if (!wait_for(fd, POLLOUT, until)) error = ETIMEDOUT;
		else getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	}
	if (error == 0) return fd;
	close(fd);
	errno = error;
	return -1;
}

bool is_named(std::string_view line, std::string_view name)
{
	return line.size() > name.size() && line[name.size()] == ':' && strncasecmp(line.data(), name.data(), name.size()) == 0;
}

std::string_view value_of(std::string_view line)
{
	line.remove_prefix(line.find(':') + 1);
	while (line.starts_with(' ') || line.starts_with('\t')) line.remove_prefix(1);
	while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
	return line;
}

std::size_t number(std::string_view text, int base)
{
	std::size_t n = 0;
	const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n, base);
	const bool is_whole = error == std::errc() && (end == text.data() + text.size() || *end == ';' || *end == ' ');
	if (!is_whole || n > largest_body) throw PlainFailure{Kind::no_answer, "the answer is no HTTP"};
	return n;
}

struct Place {
	std::string authority, prefix; // "kit:8092", "/below"
};

Place place_of(const Target &target)
{
	const std::string_view rest = std::string_view(target.base).substr(std::strlen("http://"));
	const std::size_t slash = std::min(rest.find('/'), rest.size());
	return {std::string(rest.substr(0, slash)), std::string(rest.substr(slash))};
}

} // namespace

void PlainHttp::leave() noexcept
{
	if (fd >= 0) close(std::exchange(fd, -1));
	buffer.clear();
}

void PlainHttp::connect(const Target &target, Time until)
{
	leave();
	until = std::min(until, Clock::now() + std::chrono::duration_cast<Clock::duration>(connect_limit));
	if (!target.unix_path.empty()) {
		sockaddr_un address{};
		address.sun_family = AF_UNIX;
		target.unix_path.copy(address.sun_path, sizeof address.sun_path - 1);
		fd = connected(reinterpret_cast<const sockaddr *>(&address), sizeof address, until);
		if (fd < 0) throw PlainFailure{Kind::no_connection, std::strerror(errno)};
		return;
	}
	std::string host = place_of(target).authority, port = "80";
	if (const std::size_t colon = host.rfind(':'); colon != std::string::npos && !host.ends_with(']')) {
		port = host.substr(colon + 1);
		host.resize(colon);
	}
	if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
	addrinfo hints{}, *found = nullptr;
	hints.ai_socktype = SOCK_STREAM;
	if (const int bad = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); bad != 0) throw PlainFailure{Kind::no_connection, gai_strerror(bad)};
	const std::unique_ptr<addrinfo, void (*)(addrinfo *)> addresses(found, &freeaddrinfo);
	for (const addrinfo *a = found; a && fd < 0; a = a->ai_next) fd = connected(a->ai_addr, a->ai_addrlen, until);
	if (fd < 0) throw PlainFailure{Kind::no_connection, std::strerror(errno)};
}

void PlainHttp::send(std::string_view bytes, Time until) const
{
	while (!bytes.empty()) {
		const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
		if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
		else if (errno == EAGAIN && !wait_for(fd, POLLOUT, until)) throw PlainFailure{Kind::too_late, "no answer in time"};
		else if (errno != EAGAIN && errno != EINTR) throw PlainFailure{Kind::no_answer, std::strerror(errno)};
	}
}

/// Reads what has come; false: the other side has closed.
bool PlainHttp::more(Time until)
{
	std::array<char, 65536> bytes;
	for (;;) {
		if (!wait_for(fd, POLLIN, until)) throw PlainFailure{Kind::too_late, "no answer in time"};
		const ssize_t n = recv(fd, bytes.data(), bytes.size(), 0);
		if (n > 0) buffer.append(bytes.data(), static_cast<std::size_t>(n));
		if (n >= 0) return n > 0;
		if (errno != EAGAIN && errno != EINTR) throw PlainFailure{Kind::no_answer, std::strerror(errno)};
	}
}

std::string_view PlainHttp::line(Time until)
{
	std::size_t end;
	while ((end = buffer.find('\n')) == std::string::npos) {
		if (buffer.size() > longest_line) throw PlainFailure{Kind::no_answer, "the answer is no HTTP"};
		if (!more(until)) throw PlainFailure{Kind::no_answer, "the connection was closed without an answer"};
	}
	last_line = buffer.substr(0, end);
	buffer.erase(0, end + 1);
	if (last_line.ends_with('\r')) last_line.pop_back();
	return last_line;
}

std::string PlainHttp::take(std::size_t n, Time until)
{
	while (buffer.size() < n)
		if (!more(until)) throw PlainFailure{Kind::no_answer, "the connection was closed in the middle of the answer"};
	std::string out = buffer.substr(0, n);
	buffer.erase(0, n);
	return out;
}

std::string PlainHttp::read_chunks(Time until)
{
	std::string body;
	for (std::size_t n; (n = number(line(until), 16)) > 0;) {
		if (body.size() + n > largest_body) throw PlainFailure{Kind::no_answer, "the answer is too large"};
		body += take(n, until);
		(void)line(until);
	}
	while (!line(until).empty()) {} // trailers
	return body;
}

PlainHttp::Reply PlainHttp::read_reply(Time until)
{
	Reply reply;
	bool is_chunked = false, is_last = false;
	std::size_t length = std::string::npos;
	do {
		const std::string_view first = line(until);
		if (!first.starts_with("HTTP/1.") || first.size() < 12) throw PlainFailure{Kind::no_answer, "the answer is no HTTP"};
		reply.status = static_cast<long>(number(first.substr(9, 3), 10));
		std::size_t count = 0;
		for (std::string_view header; !(header = line(until)).empty();) {
			if (++count > most_headers) throw PlainFailure{Kind::no_answer, "the answer is no HTTP"};
			if (is_named(header, "content-length")) length = number(value_of(header), 10);
			if (is_named(header, "transfer-encoding")) is_chunked = value_of(header) == "chunked";
			if (is_named(header, "connection")) is_last = value_of(header) == "close";
		}
	} while (reply.status < 200);
	if (reply.status == 204 || reply.status == 304) length = 0;
	if (is_chunked) reply.body = read_chunks(until);
	else if (length != std::string::npos) reply.body = take(length, until);
	else {
		while (more(until))
			if (buffer.size() > largest_body) throw PlainFailure{Kind::no_answer, "the answer is too large"};
		reply.body = std::exchange(buffer, {});
		is_last = true;
	}
	if (is_last) leave();
	return reply;
}

PlainHttp::Reply PlainHttp::ask(
	const Target &target, const char *method, const std::string &path, const std::vector<std::string> &headers, std::string_view body, Seconds limit)
{
	const Time until = Clock::now() + std::chrono::duration_cast<Clock::duration>(limit);
	const bool is_get = std::strcmp(method, "GET") == 0;
	const bool is_kept = fd >= 0 && where == target.text && is_get; // anything else must not be sent twice
	const Place place = place_of(target);
	std::string request = fmt::format("{} {}{} HTTP/1.1\r\nHost: {}\r\n", method, place.prefix, path, place.authority);
	for (const std::string &h : headers) request += h + "\r\n";
	if (!is_get) request += fmt::format("Content-Length: {}\r\n", body.size());
	request += "\r\n";
	request += body;
	try {
		if (!is_kept) connect(target, until);
		where = target.text;
		send(request, until);
		return read_reply(until);
	} catch (const PlainFailure &f) {
		leave();
		if (!is_kept || f.kind != Kind::no_answer) throw;
		connect(target, until); // it was closed meanwhile
		send(request, until);
		return read_reply(until);
	}
}

} // namespace ctl
