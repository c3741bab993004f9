/* BearSSL's, whose functions for this are 5 KB of a program and need nothing at run time; they take the same time for
 * every key. */
#include "bus/os/hmac.h"

#include <bearssl.h>
#include <string.h>

bool
wr_hmac(const void *key, size_t key_size, const void *bytes, size_t size, uint8_t mac[WR_HMAC_BYTES])
{
        br_hmac_key_context keyed;
        br_hmac_context context;

        br_hmac_key_init(&keyed, &br_sha256_vtable, key, key_size);
        br_hmac_init(&context, &keyed, 0);
        br_hmac_update(&context, bytes, size);
        br_hmac_out(&context, mac);
        explicit_bzero(&keyed, sizeof(keyed));
        explicit_bzero(&context, sizeof(context));
        return true;
}

void
wr_hmac_wipe(void *bytes, size_t size)
{
        explicit_bzero(bytes, size);
}
