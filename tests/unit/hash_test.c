/* The frame's hash against the plain XXH3 of Debian's library, for every kernel this machine can run. */
#include "bus/hash.h"
#include "bus/hash_kernel.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Around the ends of XXH3's short forms, its stripes (64) and blocks (1024), and our pieces (4096 and 16384). */
static const size_t sizes[] = { 0,    1,    3,    4,    8,     9,     16,    17,    32,    64,    128,
                                129,  216,  239,  240,  241,   255,   256,   257,   512,   1023,  1024,
                                1025, 1048, 4096, 4097, 16383, 16384, 16385, 32768, 33000, 100001 };
enum { SIZE_COUNT = sizeof(sizes) / sizeof(*sizes), BYTES_MAX = 140000 };

/* What follows a seed by the steps of SplitMix64, so that a failure can be replayed. */
static uint8_t *
bytes_of(uint64_t seed, size_t size)
{
        uint8_t *bytes = malloc(size + 1);

        for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)(XXH64(&i, sizeof(i), seed));
        return bytes;
}

#if WR_HASH_WIDE
static size_t
kernels(const struct wr_hash_kernel *out[3])
{
        size_t count = 0;

        out[count++] = &wr_hash_plain;
        if (__builtin_cpu_supports("avx2"))
                out[count++] = &wr_hash_avx2;
        if (__builtin_cpu_supports("avx512f"))
                out[count++] = &wr_hash_avx512;
        return count;
}
#else
static size_t
kernels(const struct wr_hash_kernel *out[3])
{
        out[0] = &wr_hash_plain;
        return 1;
}
#endif

Test(hash, of_bytes_is_XXH3_for_every_size_and_alignment)
{
        uint8_t *bytes = bytes_of(1, BYTES_MAX);

        for (size_t size = 0; size < 2200; size++)
                cr_assert(eq(u64, wr_hash_bytes(bytes + size % 61, size), XXH3_64bits(bytes + size % 61, size)));
        for (size_t i = 0; i < SIZE_COUNT; i++)
                cr_assert(eq(u64, wr_hash_bytes(bytes + 1, sizes[i]), XXH3_64bits(bytes + 1, sizes[i])));
        free(bytes);
}

Test(hash, of_nothing_takes_NULL)
{
        uint8_t to;

        cr_assert(eq(u64, wr_hash_bytes(NULL, 0), XXH3_64bits("", 0)));
        cr_assert(eq(u64, wr_hash_two(NULL, 0, NULL, 0), XXH3_64bits("", 0)));
        cr_assert(eq(u64, wr_hash_copy(NULL, 0, &to, NULL, 0), XXH3_64bits("", 0)));
}

Test(hash, of_two_parts_is_that_of_both_side_by_side)
{
        uint8_t *bytes = bytes_of(2, 2 * BYTES_MAX);

        for (size_t i = 0; i < SIZE_COUNT; i++) {
                for (size_t j = 0; j < SIZE_COUNT; j++) {
                        size_t first = sizes[i], second = sizes[j];
                        uint64_t expected = XXH3_64bits(bytes, first + second);

                        cr_assert(eq(u64,
                                     wr_hash_two(first ? bytes : NULL, first, second ? bytes + first : NULL, second),
                                     expected),
                                  "%zu and %zu bytes", first, second);
                }
        }
        free(bytes);
}

Test(hash, of_a_copy_is_that_of_its_source_and_every_byte_arrives_and_none_beside)
{
        uint8_t *bytes = bytes_of(3, 2 * BYTES_MAX), *to = malloc(BYTES_MAX + 200);

        for (size_t i = 0; i < SIZE_COUNT * 64; i++) {
                size_t first = sizes[i % 7 * 3], second = sizes[i % SIZE_COUNT], at = 64 + i / SIZE_COUNT;
                uint64_t hash;

                memset(to, 0xee, second + 200);
                hash = wr_hash_copy(bytes, first, to + at, bytes + first, second);
                cr_assert(eq(u64, hash, XXH3_64bits(bytes, first + second)));
                cr_assert(zero(int, memcmp(to + at, bytes + first, second)));
                cr_assert(eq(u8, to[at - 1], 0xee));
                cr_assert(eq(u8, to[at + second], 0xee));
        }
        free(bytes);
        free(to);
}

Test(hash, of_pieces_is_that_of_the_whole_however_it_is_cut)
{
        uint8_t *bytes = bytes_of(6, BYTES_MAX);
        struct wr_hash_pieces pieces;

        for (size_t cut = 1; cut <= BYTES_MAX; cut = cut * 3 + 1) {
                wr_hash_begin(&pieces);
                wr_hash_add(&pieces, NULL, 0);
                for (size_t at = 0; at < BYTES_MAX; at += cut)
                        wr_hash_add(&pieces, bytes + at, at + cut < BYTES_MAX ? cut : BYTES_MAX - at);
                cr_assert(eq(u64, wr_hash_end(&pieces), XXH3_64bits(bytes, BYTES_MAX)), "pieces of %zu", cut);
        }
        wr_hash_begin(&pieces);
        cr_assert(eq(u64, wr_hash_end(&pieces), XXH3_64bits("", 0)));
        free(bytes);
}

Test(hash, is_the_same_by_every_kernel)
{
        const struct wr_hash_kernel *kernel[3];
        uint8_t *bytes = bytes_of(4, 2 * BYTES_MAX), *to = malloc(BYTES_MAX);
        size_t count = kernels(kernel);
        struct wr_hash_pieces pieces;

        for (size_t k = 0; k < count; k++) {
                for (size_t i = 0; i < SIZE_COUNT; i++) {
                        size_t first = sizes[(i * 5 + k) % SIZE_COUNT], second = sizes[i];
                        uint64_t expected = XXH3_64bits(bytes, first + second);

                        cr_assert(eq(u64, kernel[k]->bytes(bytes, first + second), expected));
                        kernel[k]->begin(&pieces);
                        kernel[k]->add(&pieces, bytes, first);
                        kernel[k]->add(&pieces, bytes + first, second);
                        cr_assert(eq(u64, kernel[k]->end(&pieces), expected));
                        memset(to, 0, second);
                        cr_assert(eq(u64, kernel[k]->copy(bytes, first, to, bytes + first, second), expected));
                        cr_assert(zero(int, memcmp(to, bytes + first, second)));
                }
        }
        free(bytes);
        free(to);
}

Test(hash, uses_the_widest_kernel_of_this_machine)
{
        const struct wr_hash_kernel *kernel[3];
        size_t count = kernels(kernel);

        cr_assert(eq(ptr, (void *)wr_hash_kernel(), (void *)kernel[count - 1]));
}

static uint64_t
frame_hash(const uint8_t *payload, size_t size, const struct wr_hash_words *words)
{
        return wr_hash_finish(WR_HASH_FULL, wr_hash_bytes(payload, size), words);
}

Test(hash, changes_with_every_single_bit_of_a_4_KiB_frame_and_of_each_word_beside_it)
{
        struct wr_hash_words words = { 32 | 1, 4096, 1000, 1, 7 };
        uint8_t *payload = bytes_of(5, 4096);
        uint64_t whole = frame_hash(payload, 4096, &words);

        for (size_t bit = 0; bit < 4096 * 8; bit++) {
                payload[bit / 8] ^= (uint8_t)(1 << bit % 8);
                cr_assert(ne(u64, frame_hash(payload, 4096, &words), whole), "payload bit %zu", bit);
                payload[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t bit = 0; bit < sizeof(words) * 8; bit++) {
                uint64_t *word = (uint64_t *)&words + bit / 64;

                *word ^= UINT64_C(1) << bit % 64;
                cr_assert(ne(u64, frame_hash(payload, 4096, &words), whole), "word bit %zu", bit);
                *word ^= UINT64_C(1) << bit % 64;
        }
        cr_assert(eq(u64, frame_hash(payload, 4096, &words), whole));
        free(payload);
}

Test(hash, spreads_each_bit_of_a_word_over_the_whole_result)
{
        struct wr_hash_words words = { 0 };
        uint64_t plain = wr_hash_finish(WR_HASH_HEADER, 0, &words);

        for (size_t bit = 0; bit < sizeof(words) * 8; bit++) {
                uint64_t *word = (uint64_t *)&words + bit / 64, changed;

                *word = UINT64_C(1) << bit % 64;
                changed = wr_hash_finish(WR_HASH_HEADER, 0, &words) ^ plain;
                cr_assert(ne(u64, changed & 0xffffffff, 0), "the low half, bit %zu", bit);
                cr_assert(ne(u64, changed >> 32, 0), "the high half, bit %zu", bit);
                *word = 0;
        }
}

Test(hash, tells_words_that_changed_places)
{
        struct wr_hash_words words = { 1, 2, 3, 4, 5 }, moved = { 2, 1, 3, 4, 5 };

        cr_assert(ne(u64, wr_hash_finish(WR_HASH_FULL, 0, &words), wr_hash_finish(WR_HASH_FULL, 0, &moved)));
}

Test(hash, of_a_frame_a_lap_later_differs_over_many_laps)
{
        /* A ring of 64 KiB full of one and the same frame: position, sequence and time advance, nothing else. */
        enum { LAPS = 100000 };
        static uint64_t seen[LAPS];
        struct wr_hash_words words = { 0 };

        for (uint64_t lap = 0; lap < LAPS; lap++) {
                words = (struct wr_hash_words){ lap * 65536 | 1, 32, lap * 1000, lap * 1024, 1 };
                seen[lap] = wr_hash_finish(WR_HASH_FULL, 42, &words);
                cr_assert(lap == 0 || seen[lap] != seen[0]);
                cr_assert(lap == 0 || seen[lap] != seen[lap - 1]);
        }
}

Test(hash, policy_full_covers_the_bytes_header_does_not_and_none_is_0)
{
        struct wr_hash_words words = { 33, 64, 5, 6, 7 };

        cr_assert(ne(u64, wr_hash_finish(WR_HASH_FULL, 1, &words), wr_hash_finish(WR_HASH_FULL, 2, &words)));
        cr_assert(eq(u64, wr_hash_finish(WR_HASH_HEADER, 1, &words), wr_hash_finish(WR_HASH_HEADER, 2, &words)));
        cr_assert(zero(u64, wr_hash_finish(WR_HASH_NONE, 1, &words)));
}

#if WR_HASH_WIDE
#        include <cpuid.h>
#        include <x86intrin.h>

/* Bit 2 of XINUSE: some upper half of a vector register is not clear. Processors older than XGETBV with 1 cannot
 * tell, and are taken to be clean. */
__attribute__((target("xsave"))) static bool
upper_halves_dirty(void)
{
        unsigned a = 0, b = 0, c = 0, d = 0;

        __get_cpuid_count(13, 1, &a, &b, &c, &d);
        return (a & (1 << 2)) != 0 && (_xgetbv(1) & (1 << 2)) != 0;
}

Test(hash, leaves_the_vector_registers_clean_for_the_host)
{
        const struct wr_hash_kernel *kernel[3];
        uint8_t *bytes = bytes_of(6, 100000), *to = malloc(100000);
        struct wr_hash_pieces pieces;
        uint64_t sum = 0;
        size_t count = kernels(kernel);

        for (size_t k = 1; k < count; k++) {
                sum += kernel[k]->bytes(bytes, 100000);
                cr_assert(not(upper_halves_dirty()));
                kernel[k]->begin(&pieces);
                cr_assert(not(upper_halves_dirty()));
                kernel[k]->add(&pieces, bytes, 100000);
                cr_assert(not(upper_halves_dirty()));
                sum += kernel[k]->end(&pieces);
                cr_assert(not(upper_halves_dirty()));
                sum += kernel[k]->copy(bytes, 100, to, bytes + 100, 99900);
                cr_assert(not(upper_halves_dirty()));
        }
        cr_assert(sum != 0);
        free(bytes);
        free(to);
}
#endif

Test(hash, the_hash_of_the_bytes_is_had_back_from_a_header_s_word)
{
        struct wr_hash_words words = { .commit = 33, .shape = 2, .time = 3, .sequence = 4, .lane = 5 }, moved = words;
        uint64_t word = wr_hash_finish(WR_HASH_FULL, 0x123456789abcdef0, &words);

        cr_assert(eq(u64, wr_hash_bytes_back(word, &words), 0x123456789abcdef0));
        moved.time += 1;
        cr_assert(ne(u64, wr_hash_bytes_back(word, &moved), 0x123456789abcdef0));
}
