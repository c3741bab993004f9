/* SHA-256 of the system. */
#include "clients/demo/demo_digest.h"

#include <stdio.h>
#include <windows.h>

#include <bcrypt.h>

enum { PIECE = 1 << 30 };

void
demo_sha_open(struct demo_sha *sha)
{
        BCRYPT_ALG_HANDLE algorithm;
        BCRYPT_HASH_HANDLE hash = NULL;

        sha->context = NULL;
        if (BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_SHA256_ALGORITHM, NULL, 0) < 0)
                return;
        if (BCryptCreateHash(algorithm, &hash, NULL, 0, NULL, 0, 0) >= 0)
                sha->context = hash;
        BCryptCloseAlgorithmProvider(algorithm, 0); /* the hash keeps what it needs of it */
}

void
demo_sha_add(struct demo_sha *sha, const void *data, size_t size)
{
        /* The library reads these bytes only, although its prototype says otherwise. */
        unsigned char *bytes = (unsigned char *)(uintptr_t)data;

        while (sha->context != NULL && size > 0) {
                ULONG piece = size < PIECE ? (ULONG)size : PIECE;

                if (BCryptHashData(sha->context, bytes, piece, 0) < 0) {
                        BCryptDestroyHash(sha->context);
                        sha->context = NULL; /* no digest at all is better than one of a part */
                }
                bytes += piece;
                size -= piece;
        }
}

void
demo_sha_close(struct demo_sha *sha, char text[DEMO_SHA_TEXT])
{
        unsigned char digest[(DEMO_SHA_TEXT - 1) / 2];

        text[0] = '\0';
        if (sha->context == NULL)
                return;
        if (BCryptFinishHash(sha->context, digest, sizeof digest, 0) >= 0)
                for (unsigned i = 0; i < sizeof digest; i++)
                        snprintf(text + 2 * i, 3, "%02x", digest[i]);
        BCryptDestroyHash(sha->context);
        sha->context = NULL;
}
