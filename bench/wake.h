/*
 * Sleeping until another process says so, with nothing else in it: the ceiling's. A futex on the word; on Windows,
 * whose futexes end at the process, an event beside it.
 */
#ifndef BENCH_WAKE_H
#define BENCH_WAKE_H

#include "bus/atomic.h"

/* What goes beside a word, in the supervisor; inherited. Linux: nothing. */
bool
bench_wake_create(intptr_t *object);

/* BENCH_NO_OBJECT is fine. */
void
bench_wake_close(intptr_t object);

/* Sleeps while the word is `value`, until it is raised; may wake without a reason. One sleeper at a time. */
void
bench_wake_wait(wr_word32 *word, uint32_t value, intptr_t object);

/* After the word was changed. */
void
bench_wake_raise(wr_word32 *word, intptr_t object);

#endif
