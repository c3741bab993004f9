/* The system's primitives. */
#include "named-objects/rights/sha256.h"

#include <windows.h>

#include <bcrypt.h>

bool
wr_sha256(const void *bytes, size_t size, uint8_t digest[WR_SHA256_BYTES])
{
        BCRYPT_ALG_HANDLE algorithm;
        NTSTATUS status;

        if (size > ULONG_MAX || BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_SHA256_ALGORITHM, NULL, 0) < 0)
                return false;
        /* The library reads these bytes only, although its prototype says otherwise. */
        status = BCryptHash(algorithm, NULL, 0, (PUCHAR)(uintptr_t)bytes, (ULONG)size, digest, WR_SHA256_BYTES);
        BCryptCloseAlgorithmProvider(algorithm, 0);
        return status >= 0;
}
