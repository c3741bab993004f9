/* SHA-256 of one run of bytes: the system's library, never our own. The names of packages and capabilities become SIDs
 * through it; nothing on the path of a frame does. */
#ifndef WR_SHA256_H
#define WR_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WR_SHA256_BYTES = 32 };

/* False only if the library fails, as without memory. */
bool
wr_sha256(const void *bytes, size_t size, uint8_t digest[WR_SHA256_BYTES]);

#endif
