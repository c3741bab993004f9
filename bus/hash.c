/*
 * The frame's hash. Short input is hashed here, inline; long input by the kernel for this machine's vectors:
 *
 *      size <= 240      XXH3's short forms: no vectors in them, so nothing to choose
 *      longer           chosen -> wr_hash_plain | wr_hash_avx2 | wr_hash_avx512
 *
 * `chosen` is one word. Any number of threads may find it empty and choose; all choose the same.
 */
#include "bus/hash.h"

#include "bus/atomic.h"
#include "bus/hash_kernel.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { SHORT_BYTES_MAX = 240 }; /* XXH3_MIDSIZE_MAX: what its long loop does not see */

static _Atomic(const struct wr_hash_kernel *) chosen;

#if WR_HASH_WIDE
static const struct wr_hash_kernel *
kernel_choose(void)
{
        __builtin_cpu_init(); /* a constructor that hashes may run before the compiler's own */
        if (__builtin_cpu_supports("avx512f"))
                return &wr_hash_avx512;
        return __builtin_cpu_supports("avx2") ? &wr_hash_avx2 : &wr_hash_plain;
}
#else
static const struct wr_hash_kernel *
kernel_choose(void)
{
        return &wr_hash_plain;
}
#endif

const struct wr_hash_kernel *
wr_hash_kernel(void)
{
        const struct wr_hash_kernel *kernel = atomic_load_explicit(&chosen, memory_order_relaxed);

        if (!kernel) {
                kernel = kernel_choose();
                atomic_store_explicit(&chosen, kernel, memory_order_relaxed);
        }
        return kernel;
}

uint64_t
wr_hash_bytes(const void *data, size_t size)
{
        if (size <= SHORT_BYTES_MAX)
                return XXH3_64bits(data, size);
        return wr_hash_kernel()->bytes(data, size);
}

/* Two short parts, put side by side. A part of size 0 may be NULL, which memcpy must not see. */
static uint64_t
short_two(const void *first, size_t first_size, const void *second, size_t second_size)
{
        uint8_t both[SHORT_BYTES_MAX];

        if (first_size > 0)
                memcpy(both, first, first_size);
        if (second_size > 0)
                memcpy(both + first_size, second, second_size);
        return XXH3_64bits(both, first_size + second_size);
}

uint64_t
wr_hash_two(const void *first, size_t first_size, const void *second, size_t second_size)
{
        if (first_size == 0)
                return wr_hash_bytes(second, second_size);
        if (second_size <= SHORT_BYTES_MAX && first_size <= SHORT_BYTES_MAX - second_size)
                return short_two(first, first_size, second, second_size);
        return wr_hash_kernel()->two(first, first_size, second, second_size);
}

uint64_t
wr_hash_copy(const void *first, size_t first_size, void *to, const void *second, size_t second_size, int stream)
{
        if (second_size > SHORT_BYTES_MAX)
                return wr_hash_kernel()->copy(first, first_size, to, second, second_size, stream);
        if (second_size > 0)
                memcpy(to, second, second_size);
        return wr_hash_two(first, first_size, second, second_size);
}

/* Stafford's thirteenth variant of the MurmurHash3 finalizer (as in SplitMix64): a bijection of 64-bit words in which
 * every input bit reaches every output bit. */
static inline uint64_t
word_mix(uint64_t word)
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
uint64_t
wr_hash_finish(enum wr_hash_policy policy, uint64_t bytes_hash, const struct wr_hash_words *words)
{
        uint64_t sum = words->commit * 0x9e3779b97f4a7c15u + words->shape * 0xc2b2ae3d27d4eb4fu +
                       words->time * 0xd6e8feb86659fd93u + words->sequence * 0x9fb21c651e98df25u +
                       words->lane * 0x165667b19e3779f9u + 0x85ebca77c2b2ae63u;

        if (policy == WR_HASH_NONE)
                return 0;
        return (policy == WR_HASH_FULL ? bytes_hash : 0) + word_mix(sum);
}
