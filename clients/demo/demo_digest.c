/*
 * Two digests.
 *
 *      fold    eight sums side by side, each rotated by one bit before it takes its next word: a word that changes, or
 *              that stands elsewhere, changes the result. Independent of the hash that the bus itself keeps.
 *      SHA-256 of libcrypto, which uses the processor's own instructions where it has them (2.0 GB/s here, libsodium
 *              0.4): over the whole clip, to compare with a decoder that has nothing to do with the bus.
 */
#include "clients/demo/demo_digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum { LANES = 8 };

static uint64_t
rotate(uint64_t word, unsigned bits)
{
        return word << bits | word >> (64 - bits);
}

uint64_t
demo_digest_fold(const void *data, size_t size)
{
        const unsigned char *bytes = data;
        uint64_t sums[LANES] = { 0 }, words[LANES], sum = size;
        size_t at = 0;

        for (; size - at >= sizeof words; at += sizeof words) {
                memcpy(words, bytes + at, sizeof words);
                for (int i = 0; i < LANES; i++)
                        sums[i] = (sums[i] << 1 | sums[i] >> 63) + words[i];
        }
        memset(words, 0, sizeof words);
        memcpy(words, bytes + at, size - at);
        for (int i = 0; i < LANES; i++)
                sum = (rotate(sum, 23) ^ (sums[i] + rotate(words[i], 7))) * UINT64_C(0x9e3779b97f4a7c15);
        return sum;
}

void
demo_sha_open(struct demo_sha *sha)
{
        sha->context = EVP_MD_CTX_new();
        if (sha->context != NULL)
                EVP_DigestInit_ex(sha->context, EVP_sha256(), NULL);
}

void
demo_sha_add(struct demo_sha *sha, const void *data, size_t size)
{
        if (sha->context != NULL)
                EVP_DigestUpdate(sha->context, data, size);
}

void
demo_sha_close(struct demo_sha *sha, char text[DEMO_SHA_TEXT])
{
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned length = 0;

        text[0] = '\0';
        if (sha->context != NULL)
                EVP_DigestFinal_ex(sha->context, digest, &length);
        for (unsigned i = 0; i < length && 2 * i + 2 < DEMO_SHA_TEXT; i++)
                snprintf(text + 2 * i, 3, "%02x", digest[i]);
        EVP_MD_CTX_free(sha->context);
        sha->context = NULL;
}
