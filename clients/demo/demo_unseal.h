/* A kernel that does not seal, for the test of the demo's own check. */
#ifndef DEMO_UNSEAL_H
#define DEMO_UNSEAL_H

#include <stdbool.h>

/*
 * From now on no memory that this process and its children make is sealed against writing, though they are told that
 * it is. For a thread that starts the broker later. False with a sentence on stderr when the kernel does not play
 * along.
 */
bool
demo_unseal(void);

#endif
