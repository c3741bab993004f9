/* A kernel that does not seal, for the test of the demo's own check. Two halves: demo_unseal_linux.c,
 * demo_unseal_win32.c. */
#ifndef DEMO_UNSEAL_H
#define DEMO_UNSEAL_H

#include <stdbool.h>

/* A run goes through both; each system does it at the one that fits it. */
enum demo_unseal_moment { DEMO_BEFORE_BROKER, DEMO_BEFORE_ATTACK };

/*
 * Linux, before the broker starts: from now on no memory that this process and its children make is sealed against
 * writing, though they are told that it is. Windows, before the attack, since the broker looks at the list of a lane
 * when it makes it: no memory of the broker has a list any more. False with a sentence on stderr when the kernel does
 * not play along.
 */
bool
demo_unseal(enum demo_unseal_moment moment);

#endif
