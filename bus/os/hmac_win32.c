/* The system's primitives. */
#include "bus/os/hmac.h"

#include <string.h>
#include <windows.h>

#include <bcrypt.h>

bool
wr_hmac(const void *key, size_t key_size, const void *bytes, size_t size, uint8_t mac[WR_HMAC_BYTES])
{
        BCRYPT_ALG_HANDLE algorithm;
        NTSTATUS status;

        memset(mac, 0, WR_HMAC_BYTES);
        if (key_size > ULONG_MAX || size > ULONG_MAX ||
            BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_SHA256_ALGORITHM, NULL, BCRYPT_ALG_HANDLE_HMAC_FLAG) < 0)
                return false;
        /* The library reads these bytes only, although its prototype says otherwise. */
        status = BCryptHash(algorithm, (PUCHAR)(uintptr_t)key, (ULONG)key_size, (PUCHAR)(uintptr_t)bytes, (ULONG)size,
                            mac, WR_HMAC_BYTES);
        BCryptCloseAlgorithmProvider(algorithm, 0);
        return status >= 0;
}

void
wr_hmac_wipe(void *bytes, size_t size)
{
        SecureZeroMemory(bytes, size);
}
