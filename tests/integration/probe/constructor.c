/* A plugin of another ABI whose constructor must never run: it writes the file that PROBE_CONSTRUCTOR names. */
#include <patchbay/plugin.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void constructor(void)
{
	const char *path = getenv("PROBE_CONSTRUCTOR");
	if (path) close(open(path, O_WRONLY | O_CREAT, 0600));
}

__attribute__((visibility("default"))) const pb_plugin patchbay_plugin_v1 = {
	.struct_size = sizeof(pb_plugin), .abi_major = PB_ABI_MAJOR + 1, .abi_minor = PB_ABI_MINOR, .name = "constructor", .version = "1"};
