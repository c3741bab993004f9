/*
 * The hash of what is so small that a call would cost as much again: for the two paths of a small frame. The model has
 * a function of its own in place of this (tests/model/atomic_model.h).
 */
#ifndef WR_HASH_SHORT_H
#define WR_HASH_SHORT_H

#include "bus/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { WR_HASH_SHORT_BYTES = 128 }; /* XXH3 has a form for up to so many */

/* wr_hash_bytes(). */
static inline uint64_t
wr_hash_small(const void *data, size_t size)
{
        return size <= WR_HASH_SHORT_BYTES ? XXH3_64bits(data, size) : wr_hash_bytes(data, size);
}

/* Stafford's thirteenth variant of the MurmurHash3 finalizer (as in SplitMix64): a bijection of 64-bit words in which
 * every input bit reaches every output bit. */
static inline uint64_t
wr_hash_word_mix(uint64_t word)
{
        word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
        word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
        return word ^ (word >> 31);
}

/*
 * The words are weighted by odd numbers of full width, summed, mixed once, and added to the hash of the bytes, which is
 * mixed already. Odd weights and the mix are bijections, so whatever changes inside any one word, or the bytes' hash,
 * changes the result for certain, and no word's value, 0 or other, can hide another word (a product as in XXH3's own
 * short form can). Several words that change together meet again with the odds of any 64-bit hash: the weights are
 * bits of unrelated constants (SplitMix64, xxHash, rrmxmx), so that no small multiples of them cancel.
 */
static inline uint64_t
wr_hash_mix(enum wr_hash_policy policy, uint64_t bytes_hash, const struct wr_hash_words *words)
{
        uint64_t sum = words->commit * 0x9e3779b97f4a7c15u + words->shape * 0xc2b2ae3d27d4eb4fu +
                       words->time * 0xd6e8feb86659fd93u + words->sequence * 0x9fb21c651e98df25u +
                       words->lane * 0x165667b19e3779f9u + 0x85ebca77c2b2ae63u;

        if (policy == WR_HASH_NONE)
                return 0;
        return (policy == WR_HASH_FULL ? bytes_hash : 0) + wr_hash_word_mix(sum);
}

#endif
