/* HMAC-SHA-256 by a library, never our own: what the holder of a ticket proves its key with. XXH3 (bus/hash.h) finds
 * damage and is no such thing. */
#ifndef WR_HMAC_H
#define WR_HMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WR_HMAC_BYTES = 32 };

/* False only if the library fails, as without memory; then mac is all zero. */
bool
wr_hmac(const void *key, size_t key_size, const void *bytes, size_t size, uint8_t mac[WR_HMAC_BYTES]);

/* Are they equal? Takes the same time for every answer, so that nobody learns by the clock how much was right. */
bool
wr_hmac_equal(const uint8_t *a, const uint8_t *b, size_t size);

/* Overwrites what was secret, also where the compiler sees that nobody reads it again. */
void
wr_hmac_wipe(void *bytes, size_t size);

#endif
