// Which web pages may speak to us: CORS and the origin rule of contract.md section 1.
#pragma once
#include "http/authority.hpp"
#include "result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace core::http {

/// [http] cors_origins. "*" stands for every origin, then without credentials, as browsers demand.
class Cors final {
public:
	enum class Verdict {
		none,      // no Origin: not a page, or a page's own plain GET
		same_site, // the page came from us
		listed,    // configured by name
		any,       // allowed by "*"
		foreign
	};

	Cors() = default;
	/// An error names the entry that is no origin.
	[[nodiscard]] static Result<Cors> parse(const std::vector<std::string> &origins);

	/// scheme and host: those the client used (after the trusted-proxy rule). An empty origin is none.
	[[nodiscard]] Verdict judge(std::string_view origin, std::string_view scheme, std::string_view host) const;
	/// Header lines for a reply, ended by CRLF each: empty where the origin gets none. For a preflight the whole set also
	/// where no Origin came.
	void append(std::string &head, Verdict verdict, std::string_view origin, bool is_preflight) const;
	/// Methods that change nothing; any other from a foreign origin is refused with 403 ORIGIN_FORBIDDEN.
	[[nodiscard]] static bool is_safe(std::string_view method) noexcept { return method == "GET" || method == "HEAD" || method == "OPTIONS"; }

private:
	std::vector<Origin> listed;
	bool allows_any = false;
};

} // namespace core::http
