/*
 * Copying between private memory and shared words that the other side may overwrite or be reading: one word at a time,
 * relaxed, so that a race gives stale or mixed words (which the hash and the look at `claimed` then find), never
 * undefined behaviour. Everything that may race goes through these two.
 */
#ifndef WR_WORDS_H
#define WR_WORDS_H

#include "bus/atomic.h"

#include <string.h>

/* Bytes rounded up to whole words. */
static inline size_t
wr_words_bytes(size_t bytes)
{
        return (bytes + 7) & ~(size_t)7;
}

/*
 * On x86 two words at a time, as volatile lumps that the compiler neither splits, merges nor reorders among
 * themselves: the machine reads and writes aligned words whole. Not under TSan and not in the model, which know words.
 */
#ifdef WR_LUMPS
typedef uint64_t wr_lump __attribute__((vector_size(16), aligned(8), may_alias));

static inline size_t
wr_lumps_copy(void *to, const void *from, size_t bytes)
{
        volatile wr_lump *target = to;
        const volatile wr_lump *source = from;
        size_t lumps = bytes / sizeof(wr_lump);

        if (bytes == 2 * sizeof(wr_lump)) { /* what shares a cache line with its header */
                target[0] = source[0];
                target[1] = source[1];
                return bytes;
        }
        for (size_t i = 0; i < lumps; i++)
                target[i] = source[i];
        return lumps * sizeof(wr_lump);
}
#else
static inline size_t
wr_lumps_copy(void *to, const void *from, size_t bytes)
{
        (void)to, (void)from, (void)bytes;
        return 0;
}
#endif

/* shared: 8-byte aligned, wr_words_bytes(bytes) of room; the last word is filled up with zero bytes. */
static inline void
wr_words_store(void *shared, const void *from, size_t bytes)
{
        size_t done = wr_lumps_copy(shared, from, bytes);
        wr_word *word = shared;
        const uint8_t *source = from;
        uint64_t value;

        word += done / 8, source += done, bytes -= done;
        for (; bytes >= 8; bytes -= 8, source += 8, word++) {
                memcpy(&value, source, 8);
                wr_store(word, value);
        }
        if (bytes > 0) {
                value = 0;
                memcpy(&value, source, bytes);
                wr_store(word, value);
        }
}

/* to: private, wr_words_bytes(bytes) of room. */
static inline void
wr_words_load(void *to, const void *shared, size_t bytes)
{
        const wr_word *word = shared;
        uint8_t *target = to;
        uint64_t value;

        for (size_t done = wr_lumps_copy(to, shared, bytes); done < bytes; done += 8) {
                value = wr_load(&word[done / 8]);
                memcpy(target + done, &value, 8);
        }
}

#endif
