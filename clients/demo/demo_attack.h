/* Six ways to write memory that was given for reading, and the descriptor that they need. */
#ifndef DEMO_ATTACK_H
#define DEMO_ATTACK_H

#include "clients/demo/demo_digest.h"

enum { DEMO_ATTACKS = 6 };

struct demo_attack {
        const char *way; /* "mprotect" */
        int error;       /* the errno that it met; 0: it succeeded */
};

/*
 * Finds the descriptor behind a shared mapping in the descriptor tables of this process's threads, and opens it again
 * for reading. Returns -1 when no thread has one.
 */
int
demo_attack_find(const void *mapped);

/* Tries all six. `mapped` is a page of the memory, `fd` a descriptor of it that reads. */
void
demo_attack_all(void *mapped, int fd, struct demo_attack attacks[DEMO_ATTACKS]);

/* SHA-256 of all that the memory behind the descriptor holds; holes stay holes. "" when it cannot be read. */
void
demo_attack_digest(int fd, char text[DEMO_SHA_TEXT]);

#endif
