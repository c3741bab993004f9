/*
 * A signal: the wakeable word behind a wait. Linux: a futex on the word itself, in a page that only its two ends
 * map, so that nobody else can requeue its sleepers. Windows: an event beside the word.
 */
#ifndef WR_SIGNAL_H
#define WR_SIGNAL_H

#include "bus/atomic.h"
#include "bus/result.h"

struct wr_signal_wait {
        wr_word32 *word;
        uint32_t value;  /* sleep only while the word is this */
        bool is_private; /* lies in memory of this process alone */
};

enum { WR_SIGNAL_WAIT_MAX = 128 };

/*
 * Sleep until one of the words is woken or differs from its value. count: 1 to WR_SIGNAL_WAIT_MAX. timeout_ns: as
 * weir.h (0: look only, INT64_MAX: for ever).
 *
 * WEIR_OK     something happened (or a spurious wake: look again)
 * WEIR_EMPTY  the timeout passed
 *
 * Where several words cannot be slept on at once (no futex_waitv), sleeps on the first in slices of at most 1 ms.
 */
enum weir_result
wr_signal_wait(const struct wr_signal_wait *words, size_t count, int64_t timeout_ns);

/* How many words one sleep takes without slices: WR_SIGNAL_WAIT_MAX, or 1 where the kernel or a filter has no
 * futex_waitv. May fall to 1 once, when a filter comes. */
size_t
wr_signal_wait_many(void);

/* Wake who sleeps on a word that other processes map too, at most 8 threads. The word has been changed before. */
void
wr_signal_raise(wr_word32 *word);

/* The same for a word of this process alone. */
void
wr_signal_raise_private(wr_word32 *word);

#endif
