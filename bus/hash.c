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
#include "bus/hash_short.h"

#include <string.h>

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
        struct wr_hash_pieces pieces;

        if (first_size == 0)
                return wr_hash_bytes(second, second_size);
        if (second_size <= SHORT_BYTES_MAX && first_size <= SHORT_BYTES_MAX - second_size)
                return short_two(first, first_size, second, second_size);
        wr_hash_begin(&pieces);
        wr_hash_add(&pieces, first, first_size);
        wr_hash_add(&pieces, second, second_size);
        return wr_hash_end(&pieces);
}

uint64_t
wr_hash_copy(const void *first, size_t first_size, void *to, const void *second, size_t second_size)
{
        if (second_size > SHORT_BYTES_MAX)
                return wr_hash_kernel()->copy(first, first_size, to, second, second_size);
        if (second_size > 0)
                memcpy(to, second, second_size);
        return wr_hash_two(first, first_size, second, second_size);
}

void
wr_hash_begin(struct wr_hash_pieces *pieces)
{
        wr_hash_kernel()->begin(pieces);
}

void
wr_hash_add(struct wr_hash_pieces *pieces, const void *data, size_t size)
{
        wr_hash_kernel()->add(pieces, data, size);
}

uint64_t
wr_hash_end(const struct wr_hash_pieces *pieces)
{
        return wr_hash_kernel()->end(pieces);
}

uint64_t
wr_hash_finish(enum wr_hash_policy policy, uint64_t bytes_hash, const struct wr_hash_words *words)
{
        return wr_hash_mix(policy, bytes_hash, words);
}

uint64_t
wr_hash_bytes_back(uint64_t hash, const struct wr_hash_words *words)
{
        return hash - wr_hash_mix(WR_HASH_FULL, 0, words);
}
