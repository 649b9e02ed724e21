#include "http/plain_get.hpp"
#include "http/curl.hpp"

#include <array>
#include <memory>

namespace ctl {

namespace {
constexpr long limit_ms = 3000;
std::size_t ignore(char *, std::size_t, std::size_t n, void *) { return n; }
} // namespace

PlainAnswer plain_get(const std::string &url)
{
	PlainAnswer out;
	const std::unique_ptr<CURL, void (*)(CURL *)> easy(curl().easy_init(), curl().easy_cleanup);
	if (!easy) return {0, "libcurl cannot be set up"};
	curl().easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
	curl().easy_setopt(easy.get(), CURLOPT_PROTOCOLS_STR, "http,https");
	curl().easy_setopt(easy.get(), CURLOPT_NOPROXY, "*");
	curl().easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, limit_ms);
	curl().easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &ignore);
	const CURLcode code = curl().easy_perform(easy.get());
	curl().easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &out.status);
	if (code != CURLE_OK && out.status == 0) out.failure = curl().easy_strerror(code);
	return out;
}

} // namespace ctl
