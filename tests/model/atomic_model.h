/*
 * Stands in for bus/atomic.h when the real sources are compiled for the explorer (-include): each access to a shared
 * word becomes a step of the machine in machine.c. wr_word is a structure here, so that an access which goes past
 * these functions does not compile.
 */
#ifndef WR_ATOMIC_H
#define WR_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
        _Alignas(8) uint64_t opaque;
} wr_word;
typedef struct {
        uint32_t opaque;
} wr_word32;

enum machine_fence { MACHINE_FENCE_FULL, MACHINE_FENCE_ACQUIRE, MACHINE_FENCE_RELEASE };

uint64_t
machine_load(const void *word, size_t size, bool acquire);

void
machine_store(void *word, size_t size, uint64_t value, bool release);

enum machine_change { MACHINE_ADD, MACHINE_PUT, MACHINE_SWAP };

/* Adds, puts, or puts where `expected` stands, in one step, with a full fence. Returns the value before. */
uint64_t
machine_change(void *word, size_t size, enum machine_change how, uint64_t expected, uint64_t value);

void
machine_fence(enum machine_fence kind);

/* The actor waits for something to change. */
void
machine_pause(void);

/* A full fence on every actor of this process. */
void
machine_barrier(void);

/* Has this process the barrier of the system? It is registered for those of others then, too. */
bool
machine_registered(void);

/* A full fence here and on every actor of each process that registered. */
void
machine_barrier_system(void);

/* memcpy and memset, word by word where they touch shared memory. */
void *
machine_copy(void *to, const void *from, size_t bytes);

void *
machine_fill(void *to, int byte, size_t bytes);

/* Private memory of this execution; nothing is ever given back. */
void *
machine_malloc(size_t bytes);

void *
machine_calloc(size_t count, size_t bytes);

void *
machine_realloc(void *old, size_t bytes);

void
machine_free(void *memory);

static inline uint64_t
wr_load(const wr_word *word)
{
        return machine_load(word, 8, false);
}

static inline uint64_t
wr_load_acquire(const wr_word *word)
{
        return machine_load(word, 8, true);
}

static inline void
wr_store(wr_word *word, uint64_t value)
{
        machine_store(word, 8, value, false);
}

static inline void
wr_store_release(wr_word *word, uint64_t value)
{
        machine_store(word, 8, value, true);
}

static inline uint32_t
wr_load32(const wr_word32 *word)
{
        return (uint32_t)machine_load(word, 4, false);
}

static inline uint32_t
wr_load32_acquire(const wr_word32 *word)
{
        return (uint32_t)machine_load(word, 4, true);
}

static inline void
wr_store32(wr_word32 *word, uint32_t value)
{
        machine_store(word, 4, value, false);
}

static inline void
wr_store32_release(wr_word32 *word, uint32_t value)
{
        machine_store(word, 4, value, true);
}

static inline uint64_t
wr_exchange(wr_word *word, uint64_t value)
{
        return machine_change(word, 8, MACHINE_PUT, 0, value);
}

static inline uint32_t
wr_exchange32(wr_word32 *word, uint32_t value)
{
        return (uint32_t)machine_change(word, 4, MACHINE_PUT, 0, value);
}

static inline uint32_t
wr_add32(wr_word32 *word, uint32_t value)
{
        return (uint32_t)machine_change(word, 4, MACHINE_ADD, 0, value);
}

static inline uint32_t
wr_swap32(wr_word32 *word, uint32_t expected, uint32_t value)
{
        return (uint32_t)machine_change(word, 4, MACHINE_SWAP, expected, value);
}

static inline void
wr_fence(void)
{
        machine_fence(MACHINE_FENCE_FULL);
}

static inline void
wr_prefetch_write(const void *address)
{
        (void)address;
}

static inline void
wr_fence_compiler(void)
{
}

static inline void
wr_fence_acquire(void)
{
        machine_fence(MACHINE_FENCE_ACQUIRE);
}

static inline void
wr_fence_release(void)
{
        machine_fence(MACHINE_FENCE_RELEASE);
}

static inline void
wr_fence_stream(void)
{
        machine_fence(MACHINE_FENCE_RELEASE);
}

static inline void
wr_pause(void)
{
        machine_pause();
}

/* In place of bus/hash_short.h: the hash of stand_in.c. */
#define WR_HASH_SHORT_H
#define wr_hash_small wr_hash_bytes
#define wr_hash_mix   wr_hash_finish

#undef memcpy
#undef memset
#define memcpy  machine_copy
#define memset  machine_fill
#define malloc  machine_malloc
#define calloc  machine_calloc
#define realloc machine_realloc
#define free    machine_free

#endif
