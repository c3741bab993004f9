/* Six ways to write memory that was given for reading, in the terms of the system. Two halves: demo_attack_linux.c,
 * demo_attack_win32.c. */
#ifndef DEMO_ATTACK_H
#define DEMO_ATTACK_H

#include "clients/demo/demo_digest.h"

enum { DEMO_ATTACKS = 6, DEMO_ATTACK_NAME = 32, DEMO_ATTACK_TEXT = 128 };

struct demo_attack {
        const char *way;             /* "mprotect" */
        int error;                   /* what it met: an errno, a code of GetLastError(); 0: it succeeded */
        char name[DEMO_ATTACK_NAME]; /* "EACCES"; "" where it succeeded */
        char text[DEMO_ATTACK_TEXT]; /* "Permission denied" */
};

/*
 * Tries all six on the shared memory behind a mapping. `open`: on a memory of our own in its place, which may be
 * written, for the test that the attacks are real. False: nothing was found to attack it with.
 */
bool
demo_attack_all(const void *mapped, bool open, struct demo_attack attacks[DEMO_ATTACKS]);

/* SHA-256 of all that the memory behind a shared mapping holds; holes stay holes. "" when it cannot be read. */
void
demo_attack_digest(const void *mapped, char text[DEMO_SHA_TEXT]);

#endif
