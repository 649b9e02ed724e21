#include "http/plain_get.hpp"

#include <curl/curl.h>

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
	const std::unique_ptr<CURL, void (*)(CURL *)> easy(curl_easy_init(), &curl_easy_cleanup);
	if (!easy) return {0, "libcurl cannot be set up"};
	curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
	curl_easy_setopt(easy.get(), CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy.get(), CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, limit_ms);
	curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &ignore);
	const CURLcode code = curl_easy_perform(easy.get());
	curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &out.status);
	if (code != CURLE_OK && out.status == 0) out.failure = curl_easy_strerror(code);
	return out;
}

} // namespace ctl
