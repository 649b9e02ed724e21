/* What a plugin that was built yesterday relies on: sizes and offsets of ABI 1.1 on 64-bit machines. Structs only grow at the end. */
#include <patchbay/http.h>
#include <patchbay/plugin.h>

#include <stddef.h>

#if __SIZEOF_POINTER__ == 8
_Static_assert(sizeof(pb_field) == 64, "in arrays: never grows");
_Static_assert(sizeof(pb_error) == 528 && offsetof(pb_error, text) == 56 && offsetof(pb_error, details) == 520, "pb_error");
_Static_assert(offsetof(pb_plugin, name) == 8 && offsetof(pb_plugin, version) == 40 && offsetof(pb_plugin, needs) == 56, "read from the file");
_Static_assert(offsetof(pb_plugin, flags) == 184 && offsetof(pb_plugin, settings) == 192 && offsetof(pb_plugin, stop) == 224, "pb_plugin");
_Static_assert(offsetof(pb_value, json) == 32 && offsetof(pb_value, size) == 48, "pb_value");
_Static_assert(offsetof(pb_result, err) == 8 && offsetof(pb_result, size) == 32, "pb_result");
_Static_assert(offsetof(pb_host, base) == 24 && offsetof(pb_host, drop) == 88 && offsetof(pb_host, file_append) == 248, "pb_host");
_Static_assert(offsetof(pb_route, on_request) == 80, "pb_route");
_Static_assert(offsetof(pb_http, add_route) == 8 && offsetof(pb_http, end) == 160 && offsetof(pb_http, listener) == 184, "pb_http");
#endif
_Static_assert(PB_ABI_MAJOR == 1, "another major is another set of offsets");
