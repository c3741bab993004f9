/* libcrypto's. */
#include "named-objects/rights/sha256.h"

#include <openssl/evp.h>

bool
wr_sha256(const void *bytes, size_t size, uint8_t digest[WR_SHA256_BYTES])
{
        return EVP_Digest(bytes, size, digest, NULL, EVP_sha256(), NULL) == 1;
}
