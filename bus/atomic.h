/*
 * Every access to a word that another thread or process may touch goes through this header, so that the model
 * explorer (tests/model/) can put its own memory in place of the machine's: it is compiled with a replacement that
 * defines WR_ATOMIC_H first.
 *
 * Orders used, and no others: relaxed, acquire loads, release stores, one full fence, and the two one-sided fences
 * of a sequence-lock read. Full fences stand only where each side stores and then loads the other's word.
 */
#ifndef WR_ATOMIC_H
#define WR_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* TSan knows C11's operations only: gcc says that it is there by a macro, clang by a feature. */
#if defined(__has_feature)
#        if __has_feature(thread_sanitizer)
#                define WR_TSAN 1
#        endif
#elif defined(__SANITIZE_THREAD__)
#        define WR_TSAN 1
#endif

#if defined(__x86_64__) && !defined(WR_TSAN) && (defined(__GNUC__) || defined(__clang__))
#        define WR_LUMPS 1 /* bus/words.h may copy two words at a time */
#endif

typedef _Atomic uint64_t wr_word;
typedef _Atomic uint32_t wr_word32; /* the size a futex sleeps on */

static inline uint64_t
wr_load(const wr_word *word)
{
        return atomic_load_explicit((wr_word *)(uintptr_t)word, memory_order_relaxed);
}

static inline uint64_t
wr_load_acquire(const wr_word *word)
{
        return atomic_load_explicit((wr_word *)(uintptr_t)word, memory_order_acquire);
}

static inline void
wr_store(wr_word *word, uint64_t value)
{
        atomic_store_explicit(word, value, memory_order_relaxed);
}

static inline void
wr_store_release(wr_word *word, uint64_t value)
{
        atomic_store_explicit(word, value, memory_order_release);
}

static inline uint32_t
wr_load32(const wr_word32 *word)
{
        return atomic_load_explicit((wr_word32 *)(uintptr_t)word, memory_order_relaxed);
}

static inline uint32_t
wr_load32_acquire(const wr_word32 *word)
{
        return atomic_load_explicit((wr_word32 *)(uintptr_t)word, memory_order_acquire);
}

static inline void
wr_store32(wr_word32 *word, uint32_t value)
{
        atomic_store_explicit(word, value, memory_order_relaxed);
}

static inline void
wr_store32_release(wr_word32 *word, uint32_t value)
{
        atomic_store_explicit(word, value, memory_order_release);
}

/* Full-barrier read-modify-writes, off the hot path. All return the value before. */
static inline uint64_t
wr_exchange(wr_word *word, uint64_t value)
{
        return atomic_exchange_explicit(word, value, memory_order_seq_cst);
}

static inline uint32_t
wr_exchange32(wr_word32 *word, uint32_t value)
{
        return atomic_exchange_explicit(word, value, memory_order_seq_cst);
}

static inline uint32_t
wr_add32(wr_word32 *word, uint32_t value)
{
        return atomic_fetch_add_explicit(word, value, memory_order_seq_cst);
}

/* Only where `expected` stands. */
static inline uint32_t
wr_swap32(wr_word32 *word, uint32_t expected, uint32_t value)
{
        atomic_compare_exchange_strong_explicit(word, &expected, value, memory_order_seq_cst, memory_order_seq_cst);
        return expected;
}

/* Orders stores before it with loads after it. On x86 a locked operation on our own stack costs 2 ns where clang's
 * choice, mfence, costs ten times that. */
static inline void
wr_fence(void)
{
#if defined(__x86_64__) && !defined(WR_TSAN) && (defined(__GNUC__) || defined(__clang__))
        __asm__ volatile("lock; orl $0, (%%rsp)" ::: "memory", "cc");
#else
        atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* Orders nothing but the compiler: where the other side puts the barrier into this process (bus/pair.h). */
static inline void
wr_fence_compiler(void)
{
        atomic_signal_fence(memory_order_seq_cst);
}

/* Loads before it stay before loads and stores after it. */
static inline void
wr_fence_acquire(void)
{
        atomic_thread_fence(memory_order_acquire);
}

/* Loads and stores before it stay before stores after it. */
static inline void
wr_fence_release(void)
{
        atomic_thread_fence(memory_order_release);
}

/* As wr_fence_release, and also for non-temporal stores, which a C11 release fence does not order on x86. */
static inline void
wr_fence_stream(void)
{
#if defined(__x86_64__)
        __builtin_ia32_sfence();
#endif
        atomic_thread_fence(memory_order_release);
}

/* The line will be written soon: fetch it now, beside others. Any address may be given. */
static inline void
wr_prefetch_write(const void *address)
{
        __builtin_prefetch(address, 1);
}

/* One turn of a spin loop. */
static inline void
wr_pause(void)
{
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
}

#endif
