#include "http/figures.hpp"

#include <fmt/format.h>

namespace core::http {

namespace {
constexpr std::size_t most_patterns = 1024, most_codes = 32;
}

void RouteCount::add(int status)
{
	for (auto &[code, n] : codes)
		if (code == status) {
			++n;
			return;
		}
	if (codes.size() < most_codes) codes.emplace_back(status, 1);
}

RouteCount &Figures::route(std::string_view pattern)
{
	if (const auto i = routes.find(pattern); i != routes.end()) return i->second;
	return routes[routes.size() < most_patterns ? std::string(pattern) : "other"];
}

void Figures::write(Exposition &out, std::size_t connections, std::size_t in_flight) const
{
	const auto one = [&out](std::string_view name, std::string_view type, std::string_view help, auto value) {
		out.family(name, type, help);
		out.sample(static_cast<double>(value));
	};
	one("patchbay_http_connections", "gauge", "open connections", connections);
	one("patchbay_http_connections_total", "counter", "connections accepted", accepted);
	one("patchbay_http_requests_in_flight", "gauge", "requests not answered yet", in_flight);
	one("patchbay_http_streams", "gauge", "open streams and upgraded connections", streams);
	one("patchbay_http_received_bytes_total", "counter", "bytes received", bytes_in);
	one("patchbay_http_sent_bytes_total", "counter", "bytes handed to clients' connections", bytes_out);
	one("patchbay_http_cancelled_total", "counter", "requests whose client left before the answer", cancelled);
	one("patchbay_http_timeouts_total", "counter", "requests that nobody answered in time", timeouts);
	one("patchbay_http_accept_failures_total", "counter", "accept failed: out of descriptors or memory", starved);
	one("patchbay_http_capped_total", "counter", "connections refused past [http] max_connections", capped);
	one("patchbay_http_tls_failures_total", "counter", "connections ended for what is no TLS of ours", tls_failed);

	out.family("patchbay_http_malformed_total", "counter", "requests refused for their framing or size, or for being slow");
	for (const auto &[code, n] : refused) out.sample(static_cast<double>(n), {{"code", std::to_string(code)}});
	out.family("patchbay_http_requests_total", "counter", "requests answered, by route and status");
	const auto counts = [&out](std::string_view route, const RouteCount &c) {
		for (const auto &[code, n] : c.codes) out.sample(static_cast<double>(n), {{"route", route}, {"code", std::to_string(code)}});
	};
	counts("none", none);
	for (const auto &[pattern, c] : routes) counts(pattern, c);
}

} // namespace core::http
