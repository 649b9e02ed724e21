/* A real core for C tests: one scope, and a loop that is turned by hand. */
#pragma once
#include <patchbay/http.h>
#include <patchbay/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Starts a core with its state under `directory`. */
const pb_host *abi_begin(const char *directory);
/* A scope of the plugin `name`; ended by abi_end_scope or abi_end. */
pb_scope *abi_scope(const char *name);
void abi_end_scope(pb_scope *scope);
/* Turns the loop until *counter is at least `value`, at most 4 s. Returns *counter. */
int abi_wait(const int *counter, int value);
/* Turns the loop for a while. */
void abi_turn(int ms);
void abi_end(void);

#ifdef __cplusplus
}
#endif
