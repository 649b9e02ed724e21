/* A plugin for the tests of the reader: never run. */
#include <patchbay/plugin.h>

__attribute__((visibility("default"))) const pb_plugin patchbay_plugin_v1 = {
	.struct_size = sizeof(pb_plugin), .abi_major = PB_ABI_MAJOR, .abi_minor = PB_ABI_MINOR, .name = "guest", .version = "1.2", .needs = "a b"};
