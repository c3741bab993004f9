/* What proves that pixels arrived unchanged: a sum per frame, and SHA-256 over all of them. */
#ifndef DEMO_DIGEST_H
#define DEMO_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DEMO_SHA_TEXT = 65 }; /* 64 digits and the end */

/* Folds every byte, with its place, into 64 bits: at the speed of memory, so that a figure stays the bus's. */
uint64_t
demo_digest_fold(const void *data, size_t size);

/* Over the whole clip, to compare with a decoder that has nothing to do with the bus. Two halves: demo_sha_linux.c,
 * demo_sha_win32.c. */
struct demo_sha {
        void *context; /* NULL: no memory for it; the digest is then "" */
};

void
demo_sha_open(struct demo_sha *sha);

void
demo_sha_add(struct demo_sha *sha, const void *data, size_t size);

/* Writes the digest as text and frees the rest. */
void
demo_sha_close(struct demo_sha *sha, char text[DEMO_SHA_TEXT]);

#endif
