#include "http/curl.hpp"
#include "failure.hpp"

#include <fmt/format.h>

#include <dlfcn.h>

namespace ctl {

namespace {

template<typename F> void find(void *library, const char *name, F &into)
{
	into = reinterpret_cast<F>(dlsym(library, name));
	if (!into) throw Failure(not_done, fmt::format("libcurl has no {}; it is too old", name));
}

Curl load()
{
	void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	if (!library) throw Failure(not_done, fmt::format("libcurl cannot be loaded ({}); install libcurl4", dlerror()));
	Curl c{};
	find(library, "curl_global_init", c.global_init);
	find(library, "curl_easy_init", c.easy_init);
	find(library, "curl_easy_cleanup", c.easy_cleanup);
	find(library, "curl_easy_reset", c.easy_reset);
	find(library, "curl_easy_perform", c.easy_perform);
	find(library, "curl_easy_strerror", c.easy_strerror);
	find(library, "curl_easy_setopt", c.easy_setopt);
	find(library, "curl_easy_getinfo", c.easy_getinfo);
	find(library, "curl_slist_append", c.slist_append);
	find(library, "curl_slist_free_all", c.slist_free_all);
	find(library, "curl_multi_init", c.multi_init);
	find(library, "curl_multi_cleanup", c.multi_cleanup);
	find(library, "curl_multi_add_handle", c.multi_add_handle);
	find(library, "curl_multi_remove_handle", c.multi_remove_handle);
	find(library, "curl_multi_perform", c.multi_perform);
	find(library, "curl_multi_poll", c.multi_poll);
	find(library, "curl_multi_info_read", c.multi_info_read);
	c.global_init(CURL_GLOBAL_DEFAULT);
	return c;
}

} // namespace

const Curl &curl()
{
	static const Curl loaded = load();
	return loaded;
}

} // namespace ctl
