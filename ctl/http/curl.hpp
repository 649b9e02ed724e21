// libcurl, loaded when it is first needed: for TLS and for streams.
#pragma once
#include <curl/curl.h>

namespace ctl {

struct Curl {
	decltype(&curl_global_init) global_init;
	decltype(&curl_easy_init) easy_init;
	decltype(&curl_easy_cleanup) easy_cleanup;
	decltype(&curl_easy_reset) easy_reset;
	decltype(&curl_easy_perform) easy_perform;
	decltype(&curl_easy_strerror) easy_strerror;
	CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
	CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
	decltype(&curl_slist_append) slist_append;
	decltype(&curl_slist_free_all) slist_free_all;
	decltype(&curl_multi_init) multi_init;
	decltype(&curl_multi_cleanup) multi_cleanup;
	decltype(&curl_multi_add_handle) multi_add_handle;
	decltype(&curl_multi_remove_handle) multi_remove_handle;
	decltype(&curl_multi_perform) multi_perform;
	decltype(&curl_multi_poll) multi_poll;
	decltype(&curl_multi_info_read) multi_info_read;
};

/// Throws Failure where it is not installed.
[[nodiscard]] const Curl &curl();

} // namespace ctl
