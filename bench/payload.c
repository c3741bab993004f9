/*
 *      word     0        1            2                  n - 1
 *            +-------+-----------+----------------+ ... +--------------------+
 *            | first | first+step| first + 2*step |     | first + (n-1)*step |     sum = n*first + step * n*(n-1)/2
 *            +-------+-----------+----------------+ ... +--------------------+
 *
 * All arithmetic is modulo 2^64, so the sum has a closed form and the loops have no order: compilers turn them into
 * vector code, and what is measured is the memory and the peer, not the generator.
 */
#include "bench/payload.h"

#include <string.h>

/* The widest vectors that the machine has: narrow ones would make every peer look alike. Sanitizers cannot be there
 * yet when the loader chooses between the two; clang 14 gives the choice a name of its own that nobody links. */
#if defined(__x86_64__) && defined(__linux__) && !defined(__clang__) && !defined(BENCH_NO_CLONES)
#        define BENCH_WIDE __attribute__((target_clones("avx2", "default")))
#else
#        define BENCH_WIDE
#endif

/* splitmix64: neighbours in, strangers out. */
static uint64_t
mix(uint64_t value)
{
        value += 0x9e3779b97f4a7c15u;
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
        value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
        return value ^ (value >> 31);
}

static uint64_t
step_of(uint64_t first)
{
        return (first >> 17) | 1; /* odd: no two words of a frame are equal */
}

/* The low bytes of a word, the rest zero. */
static uint64_t
low_bytes(uint64_t word, uint64_t bytes)
{
        return word & ((UINT64_C(1) << (8 * bytes)) - 1);
}

BENCH_WIDE void
bench_fill(void *to, uint64_t size, uint64_t sequence)
{
        uint8_t *bytes = to;
        uint64_t first = mix(sequence), step = step_of(first), words = size / 8, tail;

        for (uint64_t i = 0; i < words; i++) {
                uint64_t word = first + i * step;

                memcpy(bytes + 8 * i, &word, 8);
        }
        tail = first + words * step;
        memcpy(bytes + 8 * words, &tail, size % 8); /* little-endian: the low bytes */
}

BENCH_WIDE uint64_t
bench_fold(const void *from, uint64_t size)
{
        const uint8_t *bytes = from;
        uint64_t sum = 0, words = size / 8, tail = 0;

        for (uint64_t i = 0; i < words; i++) {
                uint64_t word;

                memcpy(&word, bytes + 8 * i, 8);
                sum += word;
        }
        memcpy(&tail, bytes + 8 * words, size % 8);
        return sum + tail;
}

uint64_t
bench_sum(uint64_t size, uint64_t sequence)
{
        uint64_t first = mix(sequence), step = step_of(first), words = size / 8;
        uint64_t pairs = words % 2 == 0 ? words / 2 * (words - 1) : (words - 1) / 2 * words; /* n(n-1)/2, exact */

        return words * first + step * pairs + low_bytes(first + words * step, size % 8);
}

void
bench_mark(void *to, uint64_t sequence)
{
        uint64_t first = mix(sequence);

        memcpy(to, &first, sizeof first);
}

bool
bench_marked(const void *from, uint64_t sequence)
{
        uint64_t first;

        memcpy(&first, from, sizeof first);
        return first == mix(sequence);
}
