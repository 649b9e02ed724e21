#include "http/cors.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace core::http {

namespace {
constexpr std::string_view rest = "Access-Control-Allow-Methods: GET, POST, PUT, DELETE, PATCH, OPTIONS\r\n"
								  "Access-Control-Allow-Headers: Content-Type, Authorization, X-API-Key, X-Requested-With, Accept\r\n"
								  "Access-Control-Max-Age: 86400\r\n";
} // namespace

Result<Cors> Cors::parse(const std::vector<std::string> &origins)
{
	Cors out;
	for (const std::string &text : origins) {
		if (text == "*") {
			out.allows_any = true;
		} else if (auto origin = parse_origin(text)) {
			out.listed.push_back(std::move(*origin));
		} else {
			return fail(
				fmt::format("[http] cors_origins: \"{}\" is no origin; write scheme://host or scheme://host:port without a path, or \"*\"", pb::utf8(text)),
				400);
		}
	}
	return out;
}

Cors::Verdict Cors::judge(std::string_view origin, std::string_view scheme, std::string_view host) const
{
	if (origin.empty()) return Verdict::none;
	const Verdict otherwise = allows_any ? Verdict::any : Verdict::foreign;
	const auto page = parse_origin(origin);
	if (!page) return otherwise; // "null" as well: a sandboxed frame or a file
	if (std::ranges::find(listed, *page) != listed.end()) return Verdict::listed;
	auto own = parse_authority(host);
	if (!own) return otherwise;
	if (own->port == 0) own->port = usual_port(scheme);
	return page->scheme == scheme && page->at == *own ? Verdict::same_site : otherwise;
}

void Cors::append(std::string &head, Verdict verdict, std::string_view origin, bool is_preflight) const
{
	if (!listed.empty()) head += "Vary: Origin\r\n"; // also without one: a cache must not serve it to others
	if (verdict == Verdict::foreign) return;
	if (verdict == Verdict::listed)
		fmt::format_to(std::back_inserter(head), "Access-Control-Allow-Origin: {}\r\nAccess-Control-Allow-Credentials: true\r\n", origin);
	if (verdict == Verdict::any) head += "Access-Control-Allow-Origin: *\r\n";
	if (is_preflight || verdict == Verdict::listed || verdict == Verdict::any) head += rest;
}

} // namespace core::http
