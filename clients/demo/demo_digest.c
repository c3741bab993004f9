/*
 * The fold: eight sums side by side, each rotated by one bit before it takes its next word: a word that changes, or
 * that stands elsewhere, changes the result. Independent of the hash that the bus itself keeps.
 */
#include "clients/demo/demo_digest.h"

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
